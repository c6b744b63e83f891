// Two connections joined: each end receives the other's bytes.
#ifndef PIPE_H
#define PIPE_H

#include <stdbool.h>

#include "address.h"

bool pipe_has_place(void);
int pipe_count(void);

// Takes both sockets over. With `by_name`, the address that was asked for, what the guest says must name an allowed name.
void pipe_join(int guest, int world, const struct address *by_name);

// Closes a connection so that its peer notices.
void pipe_reset(int fd);

#endif
