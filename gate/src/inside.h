// The VM's own network namespace: a tap for QEMU, and nothing that leads anywhere else.
#ifndef INSIDE_H
#define INSIDE_H

#include "options.h"

// The port in the namespace to which TCP connections and datagrams for any destination are redirected.
enum { INSIDE_PORT = 7, INSIDE_MARK = 1, INSIDE_MTU = 65520 };

// Sockets that live in the namespace and keep it alive. Index 0 is IPv4, 1 is IPv6 (-1 without it).
struct inside {
    int tap;
    int tcp[2];  // listens for admitted connections
    int udp[2];  // receives datagrams, with the address they were for
    int syn[2];  // sees connection attempts before anything answers them
    int raw[2];  // sends whole packets
};

enum { INSIDE_FDS = sizeof(struct inside) / sizeof(int) };

// Makes a new network namespace and moves the process into it. Needs CAP_SYS_ADMIN. Ends the process when that fails.
void inside_build(const struct options *options, struct inside *inside);

#endif
