// The only place that opens outside connections, and so the only place that checks the policy.
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

// A socket that connects to `to` (already connected for datagrams), or -1: then the verdict has the reason, and if it is
// VERDICT_OPEN, errno has it; after VERDICT_LIMIT the caller may try again. `to` may be the gateway's: a forwarded port or one of the host's resolvers.
int outside_connect(const struct address *to, int type, struct passage *passage);

// The verdict on a new connection to `to`. For existing flows: the host's addresses change.
enum verdict outside_judge(const struct address *to, int type);

#endif
