// DNS over TCP, for answers that are too long for a datagram.
#ifndef DNS_TCP_H
#define DNS_TCP_H

#include "address.h"

enum { DNS_TCP_MAX = 8 };

void dns_tcp_open(void);

// Takes over the guest's socket and the resolver's, which the guest knows as `to`. Only questions for allowed names pass.
void dns_tcp_join(int guest, int world, const struct address *to);

#endif
