// DNS over TCP: for any bytes from guest and resolver, the resolver gets only whole, plain questions for allowed names, and the guest only whole messages.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns.h"
#include "dns_tcp.h"
#include "loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX = 2, TURNS = 200, HEARD_MAX = 1 << 17, INPUT_MAX = 4096 };

static void require(int holds) {
    if (!holds) abort();
}

struct far {
    int fd;
    size_t count;
    bool is_over;
    uint8_t heard[HEARD_MAX];
};

static void listen_to(struct far *far) {
    ssize_t length;
    while ((length = recv(far->fd, far->heard + far->count, HEARD_MAX - far->count, 0)) > 0) far->count += (size_t)length;
    if (length == 0 || errno != EAGAIN) far->is_over = true;
}

static void say(int fd, const uint8_t *bytes, size_t size) {
    if (size > 0) send(fd, bytes, size, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
}

static void check_questions(const struct far *resolver) {
    static uint8_t message[HEARD_MAX];
    static const uint8_t ours[2];
    for (size_t at = 0; at < resolver->count;) {
        char name[NAME_BYTES];
        require(resolver->count - at >= PREFIX);
        size_t length = (size_t)(resolver->heard[at] << 8 | resolver->heard[at + 1]), whole = length;
        require(length <= resolver->count - at - PREFIX);
        memcpy(message, resolver->heard + at + PREFIX, length);
        require(length >= sizeof ours && memcmp(message, ours, sizeof ours) == 0);
        require(dns_judge(message, &length, name) == DNS_PASS && length == whole && names_is_allowed(name));
        at += PREFIX + whole;
    }
}

// The first two bytes say how many of the others are the guest's.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct address to = {.family = AF_INET, .bytes = {198, 18, 0, 5}, .port = 53};
    static struct far guest, resolver;
    static bool is_open;
    int ours[2], theirs[2];
    if (size < 2 || size > INPUT_MAX) return 0;
    if (!is_open) {
        names_allow("example.org");
        loop_open();
        is_open = true;
    }
    size_t asked = (size_t)(data[0] << 8 | data[1]), left = size - 2;
    if (asked > left) asked = left;
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours) == 0);
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, theirs) == 0);
    guest.fd = ours[0], resolver.fd = theirs[0];
    guest.count = resolver.count = 0;
    guest.is_over = resolver.is_over = false;
    dns_tcp_join(ours[1], theirs[1], &to);
    say(guest.fd, data + 2, asked);
    bool is_answered = false;
    int turns = 0;
    while (!guest.is_over || !resolver.is_over) {
        require(++turns < TURNS);
        loop_turn();
        listen_to(&guest);
        listen_to(&resolver);
        if (is_answered || resolver.count == 0) continue;
        say(resolver.fd, data + 2 + asked, left - asked);
        is_answered = true;
    }
    check_questions(&resolver);
    close(guest.fd);
    close(resolver.fd);
    return 0;
}
