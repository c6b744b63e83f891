// Datagrams: each pair of a guest's port and a destination has a socket outside for as long as it is used.
#ifndef UDP_H
#define UDP_H

#include "inside.h"

void udp_open(const struct inside *inside);

#endif
