#include "rate_limit.h"

static time_t since;
static int left = RATE_BURST;

bool rate_limit_take(time_t now) {
    if (now - since >= RATE_BURST / RATE_PER_S)
        left = RATE_BURST;
    else if (now > since)
        left += RATE_PER_S;
    if (left > RATE_BURST) left = RATE_BURST;
    since = now;
    if (left == 0) return false;
    left--;
    return true;
}
