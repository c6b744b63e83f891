#include "wait.h"

#include <time.h>

#include "loop.h"

enum { DEVICE_WAIT_MS = 10000, STEP_NS = 2000000 };

uint64_t wait_deadline(void) { return now_ms() + DEVICE_WAIT_MS; }

bool wait_a_little(uint64_t deadline) {
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    return now_ms() < deadline;
}
