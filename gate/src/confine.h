// Rights that the gate drops before it reads the first byte of a guest.
#ifndef CONFINE_H
#define CONFINE_H

#include <stdint.h>

// Its own namespaces, except the network's; an ordinary user becomes root of an empty user namespace.
void confine_begin(void);

// No files, no capabilities, no other user's rights, and only the system calls of a relay. `uid` 0 keeps the present user.
void confine_end(uint32_t uid, uint32_t gid);

// The last of it, alone: all system calls but a relay's.
void confine_calls(void);

#endif
