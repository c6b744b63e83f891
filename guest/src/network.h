// A clone's own network configuration: every clone of a template wakes with an unconfigured interface.
#ifndef NETWORK_H
#define NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "json.h"

enum { RESOLVERS_MAX = 3 };

struct network {
    bool is_wanted, has_v6;
    uint8_t mac[6];
    int64_t mtu, prefix4, prefix6;
    struct in_addr address4, gateway4;
    struct in6_addr address6, gateway6;
    char resolvers[RESOLVERS_MAX][INET6_ADDRSTRLEN];
    int resolver_count;
};

// Reads the optional `network` of a wake. Returns the reason when it is invalid, or NULL.
const char *network_read(struct json request, struct network *network);

// Gives the one network interface its address, routes and resolvers. False with errno, and where it failed.
bool network_apply(const struct network *network, const char **failed);

#endif
