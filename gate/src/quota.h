// The most connections, attempts and UDP flows at once: enough for a VM, or as many as the limit of descriptors allows.
#ifndef QUOTA_H
#define QUOTA_H

#include <stdbool.h>
#include <stddef.h>

enum { PIPES_MAX = 512, ATTEMPTS_MAX = 128, FLOWS_MAX = 256 };

struct quota {
    int pipes, attempts, flows;
};

extern struct quota quota;

// The quota that a number of descriptors allows; all zero when they are too few.
struct quota quota_for(size_t descriptors);

// Raises the limit of descriptors as far as allowed. Ends the process when they are too few.
void quota_open(void);

// True for an error that means that the host has no descriptor or no memory for one more socket.
bool quota_is_host_short(int error);

#endif
