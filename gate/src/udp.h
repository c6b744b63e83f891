// Datagrams: each pair of a guest's port and a destination has a socket outside for as long as it is used.
#ifndef UDP_H
#define UDP_H

#include "inside.h"

void udp_open(const struct inside *inside);

// Called after the rules have changed: the next datagram of each flow is judged as its first.
void udp_end_all(void);

#endif
