// Two connections joined: each end receives the other's bytes.
#ifndef PIPE_H
#define PIPE_H

#include <stdbool.h>

#include "address.h"

bool pipe_has_place(void);
int pipe_count(void);

// Takes over both sockets of a connection to `to`. With `is_by_name` the guest's first bytes must contain an allowed name.
void pipe_join(int guest, int world, const struct address *to, bool is_by_name);

// Ends the connections that the present rules do not allow.
void pipe_judge_all(void);

// Closes a connection so that its peer notices.
void pipe_reset(int fd);

#endif
