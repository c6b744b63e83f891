#include "pace.h"

static time_t since;
static int left = PACE_AT_ONCE;

bool pace_take(time_t now) {
    if (now - since >= PACE_AT_ONCE / PACE_PER_S)
        left = PACE_AT_ONCE;
    else if (now > since)
        left += PACE_PER_S;
    if (left > PACE_AT_ONCE) left = PACE_AT_ONCE;
    since = now;
    if (left == 0) return false;
    left--;
    return true;
}
