// Counters of passed and refused traffic, served on a unix socket.
#ifndef COUNTERS_H
#define COUNTERS_H

#include "address.h"
#include "options.h"
#include "policy.h"

struct counters {
    uint64_t sent_bytes, received_bytes; // payload, seen from the guest
    uint64_t tcp_connections, udp_flows, refused;
};

extern struct counters counters;

// Remembers one refusal, among the last few; `name` is the requested name, or NULL.
void counters_refuse(const char *protocol, const struct address *to, enum verdict verdict, const char *name);

// Answers each connection to this listening unix socket with one JSON object.
void counters_serve(int listener);

#endif
