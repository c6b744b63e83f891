// The host kernel's routes for an address.
#ifndef ROUTE_H
#define ROUTE_H

#include "address.h"

// Opens the netlink socket for route lookups, in the network namespace of the caller.
bool route_open(void);

// True for the host's own, broadcast and loopback addresses, and when the lookup fails.
bool route_is_own(const struct address *to);

// Adds `local default dev lo`: every address is one of this namespace. Needs CAP_NET_ADMIN there.
bool route_add_local_default(sa_family_t family, int loopback_index);

#endif
