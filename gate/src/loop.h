// Waits for many descriptors at once.
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// Embedded in a structure; `wake` is called when the descriptor has events.
struct watch {
    void (*wake)(struct watch *watch, uint32_t events);
};

void loop_open(void);
bool loop_add(int fd, uint32_t events, struct watch *watch);
// Removes the descriptor, and discards its pending events.
void loop_remove(int fd, struct watch *watch);
void loop_change(int fd, uint32_t events, struct watch *watch);

// Ignores a readable descriptor that cannot be served now, for up to a second.
void loop_rest(int fd, struct watch *watch);

// Called about once a second with the time in whole seconds.
void loop_every_second(void (*tick)(time_t now));
// Waits once, for a second at most, and calls the handlers of the ready descriptors.
void loop_turn(void);
_Noreturn void loop_run(void);

// Seconds of the monotonic clock at the last wake-up.
time_t loop_now(void);

// The structure in which a watch is embedded.
#define AROUND(pointer, type, member) ((type *)((char *)(pointer) - __builtin_offsetof(type, member)))

#endif
