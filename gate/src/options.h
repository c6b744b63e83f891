// The gate's command line.
#ifndef OPTIONS_H
#define OPTIONS_H

#include "address.h"

enum { RESOLVERS_MAX = 3, FORWARDS_MAX = 16 };

// A port of the gateway that leads to one address, even if the policy refuses that address.
struct forward {
    uint16_t port;
    struct address to;
};

struct options {
    const char *control;        // the socket on which it serves its counters
    const char *rules;          // the socket on which it takes other rules; NULL for none
    const char *nft;            // the program
    uint32_t uid, gid;          // the user to become; 0 keeps the present one
    int tap_fd, lifeline_fd;    // the numbers of the program's descriptors for them
    bool is_closed;             // no connection leaves at all
    bool has_v6;
    struct address guest4, guest6, gateway4, gateway6;
    struct address resolvers[RESOLVERS_MAX];
    int resolver_count;
    struct forward forwards[FORWARDS_MAX];
    int forward_count;
    char **program;             // and its arguments
};

// Reads `PORT=ADDRESS:PORT`. False for any other text.
bool forward_parse(const char *text, struct forward *forward);

// Reads the command line, and gives the opened ranges to the policy. Ends the process on an invalid option.
void options_read(char **argv, struct options *options);

#endif
