#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

static int try_address(const struct sockaddr *address, socklen_t length) {
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, address, length) == 0) return fd;
    close(fd);
    return -1;
}

static int open_server(uint16_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = try_address((struct sockaddr *)&four, sizeof four);
    return fd >= 0 ? fd : try_address((struct sockaddr *)&six, sizeof six);
}

static bool give(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

static void carry(int from, int to) {
    static char piece[PIECE_BYTES];
    for (;;) {
        ssize_t got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || !give(to, piece, (size_t)got)) return;
    }
}

// A process for each direction: one that waits for a slow reader never stops the other.
int relay(const char *port) {
    char *end;
    long number = strtol(port, &end, 10);
    if (*end != '\0' || number < 1 || number > UINT16_MAX) return 2;
    signal(SIGPIPE, SIG_IGN);
    int server = open_server((uint16_t)number);
    if (server < 0) return 1;
    pid_t sender = fork();
    if (sender < 0) return 1;
    if (sender == 0) {
        carry(STDIN_FILENO, server);
        shutdown(server, SHUT_WR);
        _exit(0);
    }
    carry(server, STDOUT_FILENO);
    kill(sender, SIGKILL);
    return 0;
}
