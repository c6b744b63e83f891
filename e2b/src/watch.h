// Watches of directories by inotify.
#ifndef WATCH_H
#define WATCH_H

#include <poll.h>
#include <stdint.h>

#include "json.h"

enum { WATCHES_MAX = 128 };

void watch_begin(int64_t id, struct json request);
void watch_end(int64_t id, struct json request);

// Fills in the descriptors to wait for; returns how many.
int watch_poll(struct pollfd fds[WATCHES_MAX]);
// Sends all events that the kernel has queued.
void watch_drain(void);

#endif
