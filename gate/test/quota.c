// The gate when the host has no descriptor left for it.
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../src/buffers.h"
#include "../src/counters.h"
#include "../src/loop.h"
#include "../src/outside.h"
#include "../src/quota.h"
#include "expect.h"

static void test_shares(void) {
    enum { SPARE = 40 };
    for (size_t descriptors = 64; descriptors < 3000; descriptors++) {
        struct quota share = quota_for(descriptors);
        size_t used = (size_t)(2 * share.pipes + share.attempts + share.flows);
        expect(share.pipes > 0 && share.attempts > 0 && share.flows > 0, "some of each", "");
        expect(used + SPARE <= descriptors, "not more than there are", "");
    }
    struct quota most = quota_for(2048);
    expect(most.pipes == PIPES_MAX && most.attempts == ATTEMPTS_MAX && most.flows == FLOWS_MAX, "all of it", "");
    expect(quota_for(63).pipes == 0, "nothing", "of too few");
}

// Forbids further descriptors, or allows them again.
static void allow_more(bool is_allowed) {
    struct rlimit limit;
    int next = dup(STDOUT_FILENO);
    close(next);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) abort();
    limit.rlim_cur = is_allowed ? limit.rlim_max : (rlim_t)next;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) abort();
}

// Counts turns of the loop within a second.
static int turns_in_a_second(void) {
    time_t begin = loop_now();
    int turns = 0;
    while (loop_now() < begin + 1) loop_turn(), turns++;
    return turns;
}

static void test_no_descriptor(void) {
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "\0pyro-gate-test"};
    char text[2000];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&path, sizeof(sa_family_t)) < 0 || listen(listener, 8) < 0) abort();
    socklen_t length = sizeof path;
    getsockname(listener, (struct sockaddr *)&path, &length);
    if (connect(client, (struct sockaddr *)&path, length) < 0) abort();
    loop_open();
    counters_serve(listener);
    allow_more(false);
    expect(turns_in_a_second() < 10, "it does not spin", "while no connection can be accepted");
    allow_more(true);
    turns_in_a_second();
    expect(recv(client, text, sizeof text, 0) > 0, "an answer", "once there is a descriptor again");
}

static void test_no_socket(void) {
    static struct options options;
    const uint8_t loopback[4] = {127, 0, 0, 1};
    struct address to = address_v4(loopback, 9);
    struct range range = {.base = to, .bits = 32};
    struct passage passage;
    outside_open(&options);
    policy_allow(&range);
    allow_more(false);
    expect(outside_connect(&to, SOCK_DGRAM, &passage) < 0 && passage.verdict == VERDICT_LIMIT, "too many", "");
    allow_more(true);
    int fd = outside_connect(&to, SOCK_DGRAM, &passage);
    expect(fd >= 0, "open", "once there is a descriptor again");
    close(fd);
}

// The most that the kernel buffers for all connections except the first few, while no end reads.
static void test_buffers(void) {
    enum { SOCKETS = 2, WAYS = 2, MOST_MIB = 170 };
    uint64_t most = 0;
    for (int others = BUFFERS_FREE; others < PIPES_MAX; others++) {
        int got = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
        socklen_t size = sizeof got;
        buffers_bound(fd, buffers_for(others));
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &size);
        most += (uint64_t)(SOCKETS * WAYS) * (uint64_t)got;
        expect(got > 0 && got <= 2 * buffers_for(others), "bounded", "");
        close(fd);
    }
    expect(most <= (uint64_t)MOST_MIB << 20, "not more than is said", "in the decision");
    expect(buffers_for(BUFFERS_FREE - 1) == 0, "the kernel's own", "for the first");
}

int main(void) {
    test_shares();
    test_buffers();
    test_no_descriptor();
    test_no_socket();
    return expect_end("quota");
}
