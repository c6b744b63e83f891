// A limit on the new connections of a guest in a second: each leaves traces in the host's kernel that outlive it (ports, tracked
// connections), and the host needs those tables too.
#ifndef RATE_LIMIT_H
#define RATE_LIMIT_H

#include <stdbool.h>
#include <time.h>

enum { RATE_PER_S = 500, RATE_BURST = 1000 };

// Takes a token of the rate limit. False when none is left in this second.
bool rate_limit_take(time_t now);

#endif
