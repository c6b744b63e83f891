#include "connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h, which the C library has no headers for.
enum { DIAG = 4, BY_FAMILY = 20, DESTROY = 21, IS_REQUEST = 1, IS_DUMP = 0x300, IS_DONE = 3, IS_ERROR = 2 };
struct head {
    uint32_t length;
    uint16_t type, flags;
    uint32_t sequence, pid;
};
struct ends {
    uint16_t local_port, remote_port;
    uint32_t local[4], remote[4], interface, cookie[2];
};
struct question {
    struct head head;
    uint8_t family, protocol, extra, padding;
    uint32_t states;
    struct ends ends;
};
struct found {
    struct head head;
    uint8_t family, state, timer, retransmissions;
    struct ends ends;
    uint32_t rest[5];
};

static bool is_loopback4(uint32_t address) { return (ntohl(address) >> 24) == IN_LOOPBACKNET; }

static bool is_loopback(int family, const uint32_t address[4]) {
    if (family == AF_INET) return is_loopback4(address[0]);
    struct in6_addr in6;
    memcpy(&in6, address, sizeof in6);
    return IN6_IS_ADDR_LOOPBACK(&in6) || (IN6_IS_ADDR_V4MAPPED(&in6) && is_loopback4(address[3]));
}

static bool is_connection(unsigned state) { return state != TCP_LISTEN && state != TCP_TIME_WAIT && state != TCP_CLOSE; }

// Looks in /proc first: most often there is no connection, and the kernel needs a module to list connections over netlink.
static bool has_any(int family) {
    char line[512];
    bool has = false;
    FILE *table = fopen(family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", "re");
    while (table && !has && fgets(line, sizeof line, table)) {
        uint32_t local[4] = {0};
        unsigned state;
        int read = family == AF_INET
                       ? sscanf(line, "%*d: %8x:%*x %*x:%*x %x", &local[0], &state)
                       : sscanf(line, "%*d: %8x%8x%8x%8x:%*x %*32s %x", &local[0], &local[1], &local[2], &local[3], &state);
        has = read == (family == AF_INET ? 2 : 5) && is_connection(state) && !is_loopback(family, local);
    }
    if (table) fclose(table);
    return has;
}

static void end_one(int fd, const struct found *found) {
    struct question question = {
        .head = {sizeof question, DESTROY, IS_REQUEST, 0, 0},
        .family = found->family,
        .protocol = IPPROTO_TCP,
        .states = 1u << found->state,
        .ends = found->ends,
    };
    (void)!send(fd, &question, sizeof question, 0);
}

// False when the list is at its end.
static bool end_listed(int fd, const char *at, size_t left) {
    for (struct head head; left >= sizeof head; at += head.length, left -= head.length) {
        struct found found;
        memcpy(&head, at, sizeof head);
        if (head.type == IS_DONE || head.type == IS_ERROR || head.length < sizeof head || head.length > left) return false;
        if (head.length < sizeof found) continue;
        memcpy(&found, at, sizeof found);
        if (is_connection(found.state) && !is_loopback(found.family, found.ends.local)) end_one(fd, &found);
        // Lengths are multiples of four here: no message has text in it.
    }
    return true;
}

static void end_all(int family, int list, int end) {
    char answer[16384];
    struct question question = {
        .head = {sizeof question, BY_FAMILY, IS_REQUEST | IS_DUMP, 0, 0},
        .family = (uint8_t)family,
        .protocol = IPPROTO_TCP,
        .states = ~0u,
    };
    if (send(list, &question, sizeof question, 0) < 0) return;
    for (ssize_t got; (got = recv(list, answer, sizeof answer, 0)) > 0;)
        if (!end_listed(end, answer, (size_t)got)) return;
}

void connections_end(void) {
    const int families[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        if (!has_any(families[i])) continue;
        int list = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, DIAG);
        int end = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, DIAG);
        if (list >= 0 && end >= 0) end_all(families[i], list, end);
        if (list >= 0) close(list);
        if (end >= 0) close(end);
    }
}
