// Who may be reached: everything that is not closed, and what was opened by name.
#ifndef POLICY_H
#define POLICY_H

#include "address.h"

enum verdict {
    VERDICT_OPEN,
    VERDICT_CLOSED,    // a range that is never open by itself
    VERDICT_HOST,      // an address of the host, as the host's kernel sees it now
    VERDICT_NAME,      // no allowed name has led there, or none was named
    VERDICT_LIMIT,     // too many connections already, or too many in this second
};

enum { POLICY_ALLOW_MAX = 64 };

// Opens one range. False when there are too many.
bool policy_allow(const struct range *range);
const char *verdict_name(enum verdict verdict);

// By the tables alone: what is closed, wherever this runs. `embedded` becomes the IPv4 address inside, if there is one.
bool policy_is_closed(const struct address *to, struct address *embedded);

// Opens what asks the host's kernel which addresses are its own. Before `policy_judge`.
bool policy_open(void);
// Gives VERDICT_OPEN also for what only a name has opened; then `is_by_name` is set, and only that name may be asked for.
enum verdict policy_judge(const struct address *to, bool *is_by_name);

#endif
