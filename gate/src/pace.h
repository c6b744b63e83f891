// How fast a guest may open connections: each leaves traces in the host's kernel that outlive it (ports, tracked
// connections), and the host needs those tables too.
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <time.h>

enum { PACE_PER_S = 500, PACE_AT_ONCE = 1000 };

// Takes a token of the rate limit. False when none is left in this second.
bool pace_take(time_t now);

#endif
