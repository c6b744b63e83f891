// The only place that opens connections to the world, and so the only place that asks the policy.
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include "options.h"
#include "policy.h"

void outside_open(const struct options *options);

struct passage {
    enum verdict verdict;
    bool is_by_name;  // the first bytes must name an allowed name
    bool is_resolver; // only questions for allowed names may pass
};

// A socket on its way to `to` (connected at once for datagrams), or -1: then the verdict tells why, and when it is
// VERDICT_OPEN, errno does; with VERDICT_LIMIT it may be asked for again. `to` may be the gateway's: a forwarded port or one of the host's resolvers.
int outside_connect(const struct address *to, int type, struct passage *passage);

// What would be said of a new way to `to`. For what has been open for a while: the host gets and loses addresses.
enum verdict outside_judge(const struct address *to, int type);

#endif
