// How much goes on at once: what is enough for a VM, or as much as there are descriptors for.
#ifndef ROOM_H
#define ROOM_H

#include <stdbool.h>
#include <stddef.h>

enum { PIPES_MAX = 512, ATTEMPTS_MAX = 128, FLOWS_MAX = 256 };

struct room {
    int pipes, attempts, flows;
};

extern struct room room;

// What fits into so many descriptors; nothing when they are too few.
struct room room_for(size_t descriptors);

// Takes as many descriptors as there may be. Ends the process when they are too few.
void room_open(void);

// Whether an error says that the host has no descriptor or no memory for one more socket.
bool room_is_short(int error);

#endif
