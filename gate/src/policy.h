// The network policy: which addresses are open, by the tables and by the options.
#ifndef POLICY_H
#define POLICY_H

#include "address.h"

enum verdict {
    VERDICT_OPEN,
    VERDICT_CLOSED,    // a range that is never open by itself, or that the options close
    VERDICT_HOST,      // an address of the host, as the host's kernel sees it now
    VERDICT_NAME,      // no allowed name has led there, or none was named
    VERDICT_LIMIT,     // too many connections already, or too many in this second
};

enum { POLICY_ALLOW_MAX = 64, POLICY_DENY_MAX = 64 };

// Opens one range. False when there are too many ranges.
bool policy_allow(const struct range *range);
// Closes one range, except where policy_allow opens it. False when there are too many ranges.
bool policy_deny(const struct range *range);
// Forgets the opened and the closed ranges.
void policy_clear(void);
const char *verdict_name(enum verdict verdict);

// Decides by the tables alone, without the host's addresses. `embedded` becomes the IPv4 address inside, if there is one.
bool policy_is_closed(const struct address *to, struct address *embedded);

// Opens the socket for the host's own addresses. Call it before `policy_judge`.
bool policy_open(void);
// Returns VERDICT_OPEN also for an address that only a name opened; then `is_by_name` is set, and only that name is allowed.
enum verdict policy_judge(const struct address *to, bool *is_by_name);

#endif
