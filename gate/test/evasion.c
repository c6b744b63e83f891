// Ways around the names: hellos in pieces or without a name, datagrams, other resolvers, other addresses. Nothing of them may leave.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../src/counters.h"
#include "../src/loop.h"
#include "../src/names.h"
#include "../src/outside.h"
#include "../src/pipe.h"
#include "expect.h"
#include "question.h"

enum { TURNS = 8, HELLO_MAX = 40000, PADDING = 21, ECH = 0xfe0d };

static int guest, world; // the far ends
static uint8_t heard[HELLO_MAX];
static const struct address learned4 = {.family = AF_INET, .bytes = {8, 8, 8, 8}, .port = 443};
static const struct address learned6 = {.family = AF_INET6, .bytes = {0x26, 0x06, [15] = 9}, .port = 443};

static void wake_for_nothing(struct watch *watch, uint32_t events) { (void)watch, (void)events; }

// A descriptor that is always readable, so that no turn waits.
static void never_wait(void) {
    static struct watch always = {wake_for_nothing};
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], "x", 1) != 1) abort();
    loop_add(ends[0], EPOLLIN, &always);
}

static void join(void) {
    int ours[2], theirs[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours) < 0) abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, theirs) < 0) abort();
    guest = ours[0], world = theirs[0];
    pipe_join(ours[1], theirs[1], &learned4, true);
}

static void part(void) {
    close(guest), close(world);
    loop_turn();
}

// Sends bytes of the guest in one segment, and lets the gate read them.
static void say(const uint8_t *bytes, size_t count) {
    expect(send(guest, bytes, count, MSG_NOSIGNAL) == (ssize_t)count, "said", "a segment");
    loop_turn();
}

// How many bytes have left; -1 when the gate has ended the connection and nothing had left.
static ssize_t hear(void) {
    size_t count = 0;
    for (;;) {
        ssize_t length = recv(world, heard + count, sizeof heard - count, 0);
        if (length > 0) count += (size_t)length;
        else return length < 0 && errno == EAGAIN ? (ssize_t)count : count > 0 ? (ssize_t)count : -1;
    }
}

static uint8_t *put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8), at[1] = (uint8_t)value;
    return at + 2;
}

static uint8_t *put_extension(uint8_t *at, int type, const void *data, size_t size) {
    at = put16(put16(at, (size_t)type), size);
    memcpy(at, data, size);
    return at + size;
}

// A whole hello: with a name unless it is NULL, an extension of its own, and zeros of the padding extension.
struct hello {
    const char *name;
    int type;
    const char *data;
    size_t padding;
};

static size_t write_hello(uint8_t *bytes, struct hello hello) {
    static uint8_t extensions[HELLO_MAX], server_name[300], zeros[HELLO_MAX];
    uint8_t *end = extensions, *at = bytes;
    if (hello.name) {
        size_t length = strlen(hello.name);
        put16(put16(server_name, length + 3) + 1, length);
        memcpy(server_name + 5, hello.name, length);
        end = put_extension(end, 0, server_name, length + 5);
    }
    if (hello.data) end = put_extension(end, hello.type, hello.data, strlen(hello.data));
    if (hello.padding) end = put_extension(end, PADDING, zeros, hello.padding);
    size_t size = (size_t)(end - extensions), body = 2 + 32 + 1 + 2 + 2 + 2 + 2 + size;
    memcpy(at, "\x16\x03\x01", 3);
    at = put16(at + 3, body + 4);
    *at++ = 1;
    *at++ = 0;
    at = put16(at, body);
    memcpy(at, "\x03\x03", 2);
    memset(at + 2, 'r', 32);
    memcpy(at + 34, "\0\0\x02\x13\x01\x01\0", 7);
    memcpy(put16(at + 41, size), extensions, size);
    return body + 9;
}

static void expect_held(const uint8_t *bytes, size_t count, const char *what) {
    uint64_t refused = counters.refused;
    join();
    say(bytes, count);
    shutdown(guest, SHUT_WR);
    loop_turn();
    expect(hear() < 0 && counters.refused == refused + 1, "is held:", what);
    part();
}

static void expect_passed(const uint8_t *bytes, size_t count, const char *what) {
    join();
    for (size_t at = 0; at < count; at += 8192) say(bytes + at, count - at < 8192 ? count - at : 8192);
    for (int turn = 0; turn < TURNS; turn++) loop_turn();
    expect(hear() == (ssize_t)count && memcmp(heard, bytes, count) == 0, "passes:", what);
    part();
}

// A hello that comes in two segments leaves whole, or not at all.
static void test_segments(void) {
    static const char *const names[] = {"example.org", "example.com"};
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[500];
        size_t length = write_hello(bytes, (struct hello){.name = names[i]});
        for (size_t cut = 1; cut < length; cut++) {
            join();
            say(bytes, cut);
            expect(hear() == 0, "waits for", "the rest of a hello");
            say(bytes + cut, length - cut);
            expect(hear() == (i == 0 ? (ssize_t)length : -1), i == 0 ? "passes in two segments:" : "is held in two segments:", names[i]);
            part();
        }
    }
}

// The same message in two records. Servers put it together; the gate does not, so it lets none pass.
static void test_records(void) {
    static const char *const names[] = {"example.org", "example.com"};
    uint8_t bytes[500], records[600];
    for (int i = 0; i < 2; i++) {
        size_t length = write_hello(bytes, (struct hello){.name = names[i]}) - 5;
        for (size_t cut = 0; cut < length; cut++) {
            memcpy(records, "\x16\x03\x01", 3);
            memcpy(put16(records + 3, cut), bytes + 5, cut);
            uint8_t *second = records + 5 + cut;
            memcpy(second, "\x16\x03\x01", 3);
            memcpy(put16(second + 3, length - cut), bytes + 5 + cut, length - cut);
            expect_held(records, length + 10, "a hello in two records");
        }
    }
    // A record of another kind before an allowed hello.
    for (int kind = 0; kind < 256; kind++) {
        size_t length = write_hello(bytes, (struct hello){.name = "example.org"});
        memcpy(records, (const uint8_t[]){(uint8_t)kind, 3, 3, 0, 1, 1}, 6);
        memcpy(records + 6, bytes, length);
        expect_held(records, length + 6, "a record before the hello");
    }
}

static void test_hidden_names(void) {
    uint8_t bytes[500];
    size_t length = write_hello(bytes, (struct hello){0});
    expect_held(bytes, length, "no name");
    length = write_hello(bytes, (struct hello){.type = ECH, .data = "encrypted"});
    expect_held(bytes, length, "only an encrypted name");
    length = write_hello(bytes, (struct hello){.name = "cover.example", .type = ECH, .data = "encrypted"});
    expect_held(bytes, length, "an encrypted name beside one that is not allowed");
    length = write_hello(bytes, (struct hello){.name = "example.org", .type = 0, .data = "other"});
    expect_held(bytes, length, "a second extension of names");
    // Browsers send this extension to every server, so an allowed name beside it counts. See docs/network.md.
    length = write_hello(bytes, (struct hello){.name = "example.org", .type = ECH, .data = "encrypted"});
    expect_passed(bytes, length, "an encrypted name beside an allowed one");
    static const char *const others[] = {"8.8.8.8", "example.org:443", "example.org ", "example.org/", "*.example.org", "", "[2606::9]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        length = write_hello(bytes, (struct hello){.name = others[i]});
        expect_held(bytes, length, others[i]);
    }
}

static void test_oversized(void) {
    static uint8_t bytes[HELLO_MAX];
    enum { RECORD_MAX = 16384 };
    size_t small = write_hello(bytes, (struct hello){.name = "example.org", .padding = 1});
    size_t length = write_hello(bytes, (struct hello){.name = "example.org", .padding = 1 + RECORD_MAX + 5 - small});
    expect(length == RECORD_MAX + 5, "fills", "one record");
    expect_passed(bytes, length, "the largest hello of one record");
    length = write_hello(bytes, (struct hello){.name = "example.com", .padding = 1 + RECORD_MAX + 5 - small});
    expect_held(bytes, length, "a large hello with another name");
    length = write_hello(bytes, (struct hello){.name = "example.org", .padding = 2 + RECORD_MAX + 5 - small});
    expect_held(bytes, length, "a hello that no record may have");
    length = write_hello(bytes, (struct hello){.name = "example.org"});
    put16(bytes + 3, RECORD_MAX);
    expect_held(bytes, length, "a hello that never ends");
    length = write_hello(bytes, (struct hello){.name = "example.org"});
    bytes[6] = 1; // 64 KiB more than the record
    expect_held(bytes, length, "a hello that is longer than its record");
}

// Protocols that name no server in the clear, on an address that an allowed name has.
static void test_protocols(void) {
    uint8_t message[600], bytes[600];
    size_t length = write_question(message, "secret.evil.example", 1);
    memcpy(put16(bytes, length), message, length);
    expect_held(bytes, length + 2, "DNS over TCP");
    static const char *const others[] = {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n", "\x05\x01\x03\x0b" "example.com\x01\xbb", "\x80\x2e\x01\x03\x01", "\xc3",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) expect_held((const uint8_t *)others[i], strlen(others[i]), others[i]);
}

static struct address with(struct address address, int port) {
    address.port = (uint16_t)port;
    return address;
}

static struct address parse(const char *text) {
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 ? address_v4(bytes, 443) : (inet_pton(AF_INET6, text, bytes), address_v6(bytes, 443));
}

// An address that an allowed name has is open for connections, which can be inspected, and for nothing else.
static void test_addresses(void) {
    static const char *const others[] = {"8.8.8.9", "2606::8", "2606:0:0:1::9", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00::5efe:8.8.8.8", "::8.8.8.8"};
    const struct address *learned[] = {&learned4, &learned6};
    for (int i = 0; i < 2; i++) {
        expect(outside_judge(learned[i], SOCK_STREAM) == VERDICT_OPEN, "is open:", "a connection to an allowed name");
        expect(outside_judge(learned[i], SOCK_DGRAM) == VERDICT_NAME, "is closed:", "QUIC to an allowed name");
        struct address resolver = with(*learned[i], 53);
        expect(outside_judge(&resolver, SOCK_DGRAM) == VERDICT_NAME, "is closed:", "DNS to an allowed name");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct address to = parse(others[i]), resolver = with(to, 53);
        expect(outside_judge(&to, SOCK_STREAM) == VERDICT_NAME, "is closed:", others[i]);
        expect(outside_judge(&to, SOCK_DGRAM) == VERDICT_NAME, "is closed for datagrams:", others[i]);
        expect(outside_judge(&resolver, SOCK_STREAM) == VERDICT_NAME, "is no resolver:", others[i]);
    }
}

int main(void) {
    static const struct options options;
    names_allow("example.org");
    loop_open();
    never_wait();
    outside_open(&options);
    if (!policy_open()) abort();
    names_learn(&learned4, 60);
    names_learn(&learned6, 60);
    test_segments();
    test_records();
    test_hidden_names();
    test_oversized();
    test_protocols();
    test_addresses();
    return expect_end("evasion");
}
