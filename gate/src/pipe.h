// Two connections joined: each end receives the other's bytes.
#ifndef PIPE_H
#define PIPE_H

#include <stdbool.h>

#include "address.h"

bool pipe_has_place(void);
int pipe_count(void);

// Takes over both sockets. `by_name` is the requested address if the guest's first bytes must contain an allowed name.
void pipe_join(int guest, int world, const struct address *by_name);

// Closes a connection so that its peer notices.
void pipe_reset(int fd);

#endif
