#include "quota.h"

#include <errno.h>
#include <sys/resource.h>

#include "fatal.h"

enum {
    OWN = 48, // the namespace's sockets, questions over TCP, and short-lived descriptors
    ALL = PIPES_MAX * 2 + ATTEMPTS_MAX + FLOWS_MAX,
    LEAST = 64,
    DESCRIPTORS = 2048,
};

struct quota quota = {PIPES_MAX, ATTEMPTS_MAX, FLOWS_MAX};

struct quota quota_for(size_t descriptors) {
    if (descriptors < LEAST) return (struct quota){0};
    int left = descriptors < OWN + ALL ? (int)descriptors - OWN : ALL;
    return (struct quota){PIPES_MAX * left / ALL, ATTEMPTS_MAX * left / ALL, FLOWS_MAX * left / ALL};
}

void quota_open(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fatal_errno("the limit of open files");
    if (limit.rlim_max > DESCRIPTORS) limit.rlim_max = DESCRIPTORS;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fatal_errno("the limit of open files");
    quota = quota_for(limit.rlim_max);
    if (quota.pipes == 0) fatal("the limit of open files is %d: at least %d must be allowed", (int)limit.rlim_max, LEAST);
}

bool quota_is_host_short(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }
