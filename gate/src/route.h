// What the host's kernel knows of an address.
#ifndef ROUTE_H
#define ROUTE_H

#include "address.h"

// Opens the question's socket, in the network namespace of the caller.
bool route_open(void);

// True for an address of the host itself, and whatever it would send to all or to itself. True also when there is no answer.
bool route_is_own(const struct address *to);

// Adds `local default dev lo`: every address is one of this namespace. Needs CAP_NET_ADMIN there.
bool route_add_local_default(sa_family_t family, int loopback_index);

#endif
