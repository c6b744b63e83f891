// Rights that the gate drops before it reads the first byte of a guest.
#ifndef CONFINE_H
#define CONFINE_H

#include <stdint.h>

// Moves the gate into namespaces of its own, except the network's; an ordinary user becomes root of an empty user namespace.
void confine_begin(void);

// Gives up files, capabilities, other users' rights, and all system calls except those that a relay needs. `uid` 0 keeps the present user.
void confine_end(uint32_t uid, uint32_t gid);

// The last step of confine_end alone: gives up all system calls except those that a relay needs.
void confine_calls(void);

#endif
