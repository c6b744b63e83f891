// DNS over TCP when only names are open: what reaches the resolver, and what the guest gets back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../src/counters.h"
#include "../src/dns_tcp.h"
#include "../src/loop.h"
#include "../src/names.h"
#include "expect.h"
#include "question.h"

enum { ROUNDS = 200, PREFIX = 2 };

static int guest, resolver; // the far ends
static uint8_t heard[PREFIX + 65535];
static const struct address to = {.family = AF_INET, .bytes = {198, 18, 0, 5}, .port = 53};

static void join(void) {
    int ours[2], theirs[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours) < 0) abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, theirs) < 0) abort();
    guest = ours[0], resolver = theirs[0];
    dns_tcp_join(ours[1], theirs[1], &to);
}

static void part(void) {
    close(guest);
    close(resolver);
}

static void say(int fd, const uint8_t *message, size_t length) {
    const uint8_t prefix[PREFIX] = {(uint8_t)(length >> 8), (uint8_t)length};
    expect(send(fd, prefix, PREFIX, MSG_NOSIGNAL) == PREFIX, "said", "a length");
    loop_turn();
    for (size_t at = 0, piece; at < length; at += piece) {
        ssize_t sent = send(fd, message + at, length - at, MSG_NOSIGNAL);
        piece = sent < 0 ? 0 : (size_t)sent;
        if (sent < 0 && errno != EAGAIN) return;
        loop_turn();
    }
}

// Waits for a whole message. Gives its length; 0 when the connection has ended.
static size_t hear(int fd) {
    size_t count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t wanted = PREFIX + (count < PREFIX ? 0 : (size_t)(heard[0] << 8 | heard[1]));
        if (count >= PREFIX && count == wanted) return count - PREFIX;
        ssize_t length = recv(fd, heard + count, wanted - count, 0);
        if (length == 0 || (length < 0 && errno != EAGAIN)) return 0;
        if (length < 0)
            loop_turn();
        else
            count += (size_t)length;
    }
    expect(false, "is heard", "within some turns");
    return 0;
}

static bool is_silent(int fd) { return recv(fd, heard, 1, 0) < 0 && errno == EAGAIN; }

// An answer with one address and that many other bytes.
static size_t write_answer(uint8_t *message, const char *name, uint8_t last, size_t more) {
    size_t at = write_question(message, name, 1);
    message[2] = 0x81, message[3] = 0x80, message[7] = more ? 2 : 1;
    memcpy(message + at, "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xcb\0\x71", 15);
    message[at + 15] = last;
    at += 16;
    if (!more) return at;
    memcpy(message + at, "\xc0\x0c\0\x10\0\x01\0\0\0\x3c", 10);
    message[at + 10] = (uint8_t)(more >> 8), message[at + 11] = (uint8_t)more;
    memset(message + at + 12, 'x', more);
    return at + 12 + more;
}

static void test_allowed(void) {
    static uint8_t message[65535];
    struct address address = address_v4((const uint8_t[]){203, 0, 113, 9}, 443);
    size_t length = write_question(message, "example.org", 1), answer;
    join();
    message[length] = 'z', message[11] = 1; // bytes after the question
    say(guest, message, length + 1);
    expect(hear(resolver) == length && memcmp(heard + PREFIX, "\0\0", 2) == 0 && heard[PREFIX + 11] == 0, "asked", "plainly");
    answer = write_answer(message, "example.org", 9, 60000);
    message[0] = message[1] = 0;
    say(resolver, message, answer);
    expect(hear(guest) == answer && memcmp(heard + PREFIX, "\x12\x34", 2) == 0, "answered", "whole, under the guest's number");
    expect(names_is_learned(&address), "learned", "from a long answer");
    // A second one on the same connection.
    length = write_question(message, "example.org", 28);
    say(guest, message, length);
    expect(hear(resolver) == length, "asked", "again");
    part();
}

static void test_others(void) {
    uint8_t message[600];
    struct address address = address_v4((const uint8_t[]){203, 0, 113, 10}, 443);
    join();
    say(guest, message, write_question(message, "secret.evil.example", 1));
    expect(hear(guest) > 0 && (heard[PREFIX + 3] & 15) == 3 && is_silent(resolver), "unknown", "and not asked");
    say(guest, message, write_question(message, "example.org", 16));
    expect(hear(guest) > 0 && heard[PREFIX + 3] == 0x80 && is_silent(resolver), "empty", "and not asked");
    say(guest, (const uint8_t *)"secret", 6);
    expect(hear(guest) == 0 && hear(resolver) == 0, "ended by", "bytes that are not a question");
    part();
    join();
    say(guest, message, 0);
    expect(hear(guest) == 0 && hear(resolver) == 0, "ended by", "nothing");
    part();
    join();
    say(guest, message, write_question(message, "example.org", 1));
    hear(resolver);
    say(resolver, message, write_answer(message, "example.org", 10, 0)); // the guest's number, not ours
    expect(hear(guest) == 0 && !names_is_learned(&address), "ended by", "an answer to something else");
    part();
    join();
    uint8_t unasked[600] = {0};
    say(resolver, unasked, write_answer(unasked, "example.org", 10, 0));
    expect(hear(guest) == 0 && !names_is_learned(&address), "ended by", "an answer to nothing");
    part();
}

static void test_many(void) {
    int ends[DNS_TCP_MAX + 1][2];
    uint64_t refused = counters.refused;
    for (int i = 0; i <= DNS_TCP_MAX; i++) {
        join();
        ends[i][0] = guest, ends[i][1] = resolver;
    }
    expect(hear(guest) == 0 && counters.refused == refused + 1, "refused", "when there are too many");
    for (int i = 0; i <= DNS_TCP_MAX; i++) close(ends[i][0]), close(ends[i][1]);
    for (int i = 0; i <= DNS_TCP_MAX; i++) loop_turn();
    join();
    expect(is_silent(guest), "taken", "when there is a place again");
    part();
}

int main(void) {
    names_allow("example.org");
    loop_open();
    dns_tcp_open();
    test_allowed();
    test_others();
    test_many();
    return expect_end("dns_tcp");
}
