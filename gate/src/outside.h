// The only place that opens outside connections, and so the only place that checks the policy.
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include "options.h"
#include "policy.h"

void outside_open(const struct options *options);

// Replaces the ports of the gateway that lead to an address of the host. At most FORWARDS_MAX.
void outside_forward(const struct forward *forwards, int count);

struct passage {
    enum verdict verdict;
    bool is_by_name;  // the first bytes must name an allowed name
    bool is_resolver; // only questions for allowed names may pass
};

// Returns a socket that connects to `to` (for datagrams it is connected already), or -1. The verdict then has the reason. With
// VERDICT_OPEN, errno has it; after VERDICT_LIMIT the caller may try again. `to` may be an address of the gateway: a forwarded port, or one
// of the host's resolvers.
int outside_connect(const struct address *to, int type, struct passage *passage);

// Judges `to` again, for a flow that exists: the host's addresses may have changed.
enum verdict outside_judge(const struct address *to, int type);

// True when a connection to `to` may pass bytes that the gate does not read: after other rules, only such connections stay.
bool outside_is_free(const struct address *to);

#endif
