#include "outside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "names.h"
#include "rate_limit.h"
#include "quota.h"

static const struct options *options;
static struct forward forwards[FORWARDS_MAX];
static int forward_count;

enum { DNS_PORT = 53, RESOLVER_OFFSET = 4 };

void outside_open(const struct options *given) {
    options = given;
    outside_forward(given->forwards, given->forward_count);
}

void outside_forward(const struct forward *given, int count) {
    memcpy(forwards, given, (size_t)count * sizeof *given);
    forward_count = count;
}

// The target of a gateway port, or of an address right after the guest's network. False for all other addresses.
static bool find_forward(const struct address *to, struct address *real, bool *is_resolver) {
    const struct address *gateway = to->family == AF_INET ? &options->gateway4 : &options->gateway6;
    struct address address = *to;
    address.port = 0;
    for (int i = 0; i < forward_count; i++) {
        if (!address_is_equal(&address, gateway) || forwards[i].port != to->port) continue;
        *real = forwards[i].to;
        return true;
    }
    for (int i = 0; i < options->resolver_count && to->family == AF_INET && to->port == DNS_PORT; i++) {
        struct address stand_in = options->gateway4;
        stand_in.bytes[3] = (uint8_t)(stand_in.bytes[3] + RESOLVER_OFFSET + i);
        if (!address_is_equal(&address, &stand_in)) continue;
        *real = options->resolvers[i];
        *is_resolver = true;
        return true;
    }
    return false;
}

static enum verdict judge(const struct address *to, int type, struct address *real, struct passage *passage) {
    if (find_forward(to, real, &passage->is_resolver)) {
        passage->is_resolver &= names_are_required();
        return VERDICT_OPEN;
    }
    enum verdict verdict = policy_judge(to, &passage->is_by_name);
    return verdict == VERDICT_OPEN && passage->is_by_name && type != SOCK_STREAM ? VERDICT_NAME : verdict;
}

enum verdict outside_judge(const struct address *to, int type) {
    struct address real = *to;
    struct passage passage = {0};
    return judge(to, type, &real, &passage);
}

bool outside_is_free(const struct address *to) {
    struct address real = *to;
    struct passage passage = {0};
    return judge(to, SOCK_STREAM, &real, &passage) == VERDICT_OPEN && !passage.is_by_name && !passage.is_resolver;
}

int outside_connect(const struct address *to, int type, struct passage *passage) {
    struct address real = *to;
    *passage = (struct passage){0};
    passage->verdict = judge(to, type, &real, passage);
    if (passage->verdict == VERDICT_OPEN && !rate_limit_take(loop_now())) passage->verdict = VERDICT_LIMIT;
    if (passage->verdict != VERDICT_OPEN) return -1;
    struct sockaddr_storage address;
    socklen_t length = address_to_socket(&real, &address);
    int fd = socket(real.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), only = 1;
    if (fd < 0) {
        if (quota_is_host_short(errno)) passage->verdict = VERDICT_LIMIT;
        return -1;
    }
    if (real.family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    if (connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}
