#include "tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "buffers.h"
#include "counters.h"
#include "dns_tcp.h"
#include "loop.h"
#include "outside.h"
#include "packet.h"
#include "pipe.h"
#include "quota.h"
#include "sender.h"

enum { ADMIT_S = 10, SYN_MAX_BYTES = 256, BATCH = 32 };

// A connection that a guest attempts, until the gate has made it.
struct attempt {
    struct watch watch;
    bool is_by_name, is_resolver;
    enum { ATTEMPT_NONE, ATTEMPT_CONNECTING, ATTEMPT_ADMITTED } state;
    struct syn syn;
    int fd; // the socket to the destination
    int buffer_bytes;
    time_t since;
    uint8_t packet[SYN_MAX_BYTES]; // unchanged, to send it again
};

static struct attempt attempts[ATTEMPTS_MAX];
// The listening sockets for IPv4 and IPv6.
static struct family {
    struct watch syn_watch, tcp_watch;
    int syn, tcp;
    struct address guest;
} families[2];
static uint8_t packet[PACKET_MAX_BYTES];

static void end_attempt(struct attempt *attempt) {
    loop_remove(attempt->fd, &attempt->watch);
    close(attempt->fd);
    attempt->state = ATTEMPT_NONE;
}

static void reset(const struct syn *syn) { sender_send(packet, packet_build_reset(syn, packet), &syn->flow.from); }

static void refuse(const struct syn *syn, enum verdict verdict) {
    counters_refuse("tcp", &syn->flow.to, verdict, NULL);
    reset(syn);
}

// Answers as the network would have answered.
static void fail(const struct syn *syn, int error) {
    if (error == ETIMEDOUT) return;
    if (error != EHOSTUNREACH && error != ENETUNREACH) return reset(syn);
    size_t length = packet_build_refusal(&syn->flow, IPPROTO_TCP, syn->sequence, REFUSAL_UNREACHABLE, packet);
    sender_send(packet, length, &syn->flow.from);
}

// The guest's own packet goes to the listener: from here on the two kernels make the connection by themselves.
static void admit(struct attempt *attempt) {
    attempt->state = ATTEMPT_ADMITTED;
    attempt->since = loop_now();
    sender_send(attempt->packet, attempt->syn.length, &attempt->syn.flow.to);
}

static bool read_flow(int fd, struct flow *flow) {
    struct sockaddr_storage peer, own;
    socklen_t peer_size = sizeof peer, own_size = sizeof own;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0) return false;
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) < 0) return false;
    *flow = (struct flow){address_from_socket(&peer), address_from_socket(&own)};
    return true;
}

static void progress(struct watch *watch, uint32_t events) {
    struct attempt *attempt = AROUND(watch, struct attempt, watch);
    int error = 0;
    socklen_t length = sizeof error;
    if (attempt->state == ATTEMPT_ADMITTED && (events & (EPOLLERR | EPOLLHUP))) return end_attempt(attempt);
    if (attempt->state != ATTEMPT_CONNECTING) return;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
    if (error != 0) {
        fail(&attempt->syn, error);
        return end_attempt(attempt);
    }
    // The address may have become the host's while it was being tried.
    enum verdict verdict = outside_judge(&attempt->syn.flow.to, SOCK_STREAM);
    if (verdict != VERDICT_OPEN) {
        refuse(&attempt->syn, verdict);
        return end_attempt(attempt);
    }
    loop_change(attempt->fd, 0, &attempt->watch);
    admit(attempt);
}

static struct attempt *find_attempt(const struct flow *flow) {
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        if (attempts[i].state != ATTEMPT_NONE && packet_is_equal_flow(&attempts[i].syn.flow, flow)) return &attempts[i];
    return NULL;
}

static struct attempt *take_place(void) {
    for (int i = 0; i < quota.attempts; i++)
        if (attempts[i].state == ATTEMPT_NONE) return &attempts[i];
    return NULL;
}

static int count_others(void) {
    int count = pipe_count();
    for (int i = 0; i < ATTEMPTS_MAX; i++) count += attempts[i].state != ATTEMPT_NONE;
    return count;
}

static void attempt_connection(const struct syn *syn, const uint8_t *bytes) {
    struct attempt *attempt = take_place();
    struct passage passage;
    if (!attempt || !pipe_has_place()) return refuse(syn, VERDICT_LIMIT);
    int fd = outside_connect(&syn->flow.to, SOCK_STREAM, &passage);
    // Without an answer the guest's kernel sends its SYN again a second later.
    if (fd < 0 && passage.verdict == VERDICT_LIMIT) return counters_refuse("tcp", &syn->flow.to, VERDICT_LIMIT, NULL);
    if (fd < 0 && passage.verdict != VERDICT_OPEN) return refuse(syn, passage.verdict);
    if (fd < 0) return fail(syn, errno);
    int buffer_bytes = buffers_for(count_others());
    buffers_bound(fd, buffer_bytes); // while it connects: later the window can no longer be chosen
    *attempt = (struct attempt){
        .watch.wake = progress,
        .is_by_name = passage.is_by_name,
        .is_resolver = passage.is_resolver,
        .state = ATTEMPT_CONNECTING,
        .syn = *syn,
        .fd = fd,
        .buffer_bytes = buffer_bytes,
        .since = loop_now(),
    };
    memcpy(attempt->packet, bytes, syn->length);
    if (!loop_add(fd, EPOLLOUT, &attempt->watch)) end_attempt(attempt);
}

// A guest may write any sender into a packet, and the packet rules do not apply here.
static bool is_from(const struct address *guest, const struct syn *syn) {
    struct address from = syn->flow.from;
    from.port = 0;
    return address_is_equal(&from, guest);
}

static void take_attempts(const struct family *family) {
    for (int i = 0; i < BATCH; i++) {
        uint8_t bytes[SYN_MAX_BYTES];
        struct syn syn;
        ssize_t length = recv(family->syn, bytes, sizeof bytes, MSG_TRUNC);
        if (length < 0) return;
        if (length > (ssize_t)sizeof bytes || !packet_read_syn(bytes, (size_t)length, &syn)) continue;
        if (!is_from(&family->guest, &syn)) continue;
        struct attempt *same = find_attempt(&syn.flow);
        if (!same)
            attempt_connection(&syn, bytes);
        else if (same->state == ATTEMPT_ADMITTED)
            admit(same);
    }
}

static void take_attempts_ready(struct watch *watch, uint32_t events) {
    (void)events;
    take_attempts(AROUND(watch, struct family, syn_watch));
}

static void accept_admitted(struct watch *watch, uint32_t events) {
    (void)events;
    int listener = AROUND(watch, struct family, tcp_watch)->tcp;
    for (int i = 0; i < BATCH; i++) {
        struct flow flow;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (quota_is_host_short(errno)) loop_rest(listener, watch);
            return;
        }
        struct attempt *attempt = read_flow(fd, &flow) ? find_attempt(&flow) : NULL;
        if (!attempt || attempt->state != ATTEMPT_ADMITTED) {
            pipe_reset(fd);
            continue;
        }
        buffers_bound(fd, attempt->buffer_bytes);
        loop_remove(attempt->fd, &attempt->watch);
        attempt->state = ATTEMPT_NONE;
        counters.tcp_connections++;
        if (attempt->is_resolver)
            dns_tcp_join(fd, attempt->fd, &attempt->syn.flow.to);
        else
            pipe_join(fd, attempt->fd, &attempt->syn.flow.to, attempt->is_by_name);
    }
}

void tcp_judge_all(void) {
    // The guest's kernel tries again to open a connection that is not open yet; it is judged then.
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        if (attempts[i].state != ATTEMPT_NONE) end_attempt(&attempts[i]);
    pipe_judge_all();
}

static void end_late(time_t now) {
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        if (attempts[i].state == ATTEMPT_ADMITTED && now - attempts[i].since > ADMIT_S) end_attempt(&attempts[i]);
}

void tcp_open(const struct inside *inside, const struct options *options) {
    for (int i = 0; i < 2 && inside->tcp[i] >= 0; i++) {
        families[i] = (struct family){{take_attempts_ready}, {accept_admitted}, inside->syn[i], inside->tcp[i],
                              i == 0 ? options->guest4 : options->guest6};
        loop_add(families[i].syn, EPOLLIN, &families[i].syn_watch);
        loop_add(families[i].tcp, EPOLLIN, &families[i].tcp_watch);
    }
    loop_every_second(end_late);
}
