#include "udp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "queries.h"
#include "counters.h"
#include "dns.h"
#include "loop.h"
#include "outside.h"
#include "packet.h"
#include "quota.h"
#include "sender.h"

enum { IDLE_S = 60, BATCH = 32 };

struct udp_flow {
    struct watch watch;
    struct flow flow;
    int fd; // -1 for a free place
    bool is_dns; // only questions for allowed names
    time_t used_at, judged_at;
};

static struct udp_flow flows[FLOWS_MAX];
static struct {
    struct watch watch;
    int fd;
} arrivals[2];
static uint8_t datagram[PACKET_MAX_BYTES], packet[PACKET_MAX_BYTES];

static void end_flow(struct udp_flow *flow) {
    loop_remove(flow->fd, &flow->watch);
    close(flow->fd);
    flow->fd = -1;
}

static void refuse(const struct flow *flow, enum refusal refusal) {
    sender_send(packet, packet_build_refusal(flow, IPPROTO_UDP, 0, refusal, packet), &flow->from);
}

static void answer(const struct flow *flow, size_t length) {
    const struct flow back = {.from = flow->to, .to = flow->from};
    sender_send(packet, packet_build_datagram(&back, datagram, length, packet), &back.to);
}

// Answers a question that may not pass. True when it may.
static bool ask(const struct udp_flow *flow, ssize_t *length) {
    char name[NAME_BYTES];
    size_t size = (size_t)*length;
    enum dns_verdict verdict = dns_judge(datagram, &size, name);
    *length = (ssize_t)size;
    if (verdict == DNS_PASS) return queries_number(flow, datagram, size);
    if (verdict == DNS_UNKNOWN || verdict == DNS_BROKEN)
        counters_refuse("dns", &flow->flow.to, VERDICT_NAME, verdict == DNS_UNKNOWN ? name : NULL);
    if (verdict != DNS_BROKEN) answer(&flow->flow, size);
    return false;
}

// A flow's socket has an answer, or its destination has refused it.
static void bring_back(struct watch *watch, uint32_t events) {
    struct udp_flow *flow = AROUND(watch, struct udp_flow, watch);
    (void)events;
    for (int i = 0; i < BATCH && flow->fd >= 0; i++) {
        ssize_t length = recv(flow->fd, datagram, sizeof datagram, 0);
        if (length < 0) {
            if (errno == ECONNREFUSED) refuse(&flow->flow, REFUSAL_PORT);
            return;
        }
        flow->used_at = loop_now();
        if (flow->is_dns && !(queries_restore(flow, datagram, (size_t)length) && dns_learn(datagram, (size_t)length))) continue;
        counters.received_bytes += (uint64_t)length;
        answer(&flow->flow, (size_t)length);
    }
}

// A free place, or the place of the least recently used flow.
static struct udp_flow *take_place(void) {
    struct udp_flow *oldest = &flows[0];
    for (int i = 0; i < quota.flows; i++) {
        if (flows[i].fd < 0) return &flows[i];
        if (flows[i].used_at < oldest->used_at) oldest = &flows[i];
    }
    end_flow(oldest);
    return oldest;
}

static void refuse_by(const struct flow *flow, enum verdict verdict) {
    counters_refuse("udp", &flow->to, verdict, NULL);
    if (verdict != VERDICT_LIMIT) refuse(flow, REFUSAL_PROHIBITED); // else lost, as datagrams are
}

static struct udp_flow *start_flow(const struct flow *wanted) {
    struct passage passage;
    int fd = outside_connect(&wanted->to, SOCK_DGRAM, &passage);
    if (fd < 0) {
        if (passage.verdict == VERDICT_OPEN)
            refuse(wanted, REFUSAL_UNREACHABLE);
        else
            refuse_by(wanted, passage.verdict);
        return NULL;
    }
    struct udp_flow *flow = take_place();
    *flow = (struct udp_flow){.watch.wake = bring_back, .flow = *wanted, .fd = fd, .is_dns = passage.is_resolver};
    flow->judged_at = loop_now();
    if (!loop_add(fd, EPOLLIN, &flow->watch)) {
        end_flow(flow);
        return NULL;
    }
    counters.udp_flows++;
    return flow;
}

// If the host took over a connected socket's address, its datagrams would reach the host, so each flow is judged again each second.
static bool is_still_open(struct udp_flow *flow) {
    if (flow->judged_at == loop_now()) return true;
    flow->judged_at = loop_now();
    enum verdict verdict = outside_judge(&flow->flow.to, SOCK_DGRAM);
    if (verdict == VERDICT_OPEN) return true;
    refuse_by(&flow->flow, verdict);
    end_flow(flow);
    return false;
}

static struct udp_flow *find_flow(const struct flow *wanted) {
    for (int i = 0; i < FLOWS_MAX; i++)
        if (flows[i].fd >= 0 && packet_is_equal_flow(&flows[i].flow, wanted))
            return is_still_open(&flows[i]) ? &flows[i] : NULL;
    return start_flow(wanted);
}

// The destination of a datagram, which is not an address of this host.
static bool read_destination(struct msghdr *message, struct address *to) {
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        bool is_v4 = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_ORIGDSTADDR;
        bool is_v6 = at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_ORIGDSTADDR;
        if (!is_v4 && !is_v6) continue;
        struct sockaddr_storage address = {0};
        memcpy(&address, CMSG_DATA(at), is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        *to = address_from_socket(&address);
        return true;
    }
    return false;
}

static void take_out(int fd) {
    _Alignas(struct cmsghdr) char control[256];
    struct sockaddr_storage from;
    struct iovec piece = {datagram, sizeof datagram};
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    for (int i = 0; i < BATCH; i++) {
        struct flow wanted;
        message.msg_controllen = sizeof control;
        ssize_t length = recvmsg(fd, &message, 0);
        if (length < 0) return;
        if (!read_destination(&message, &wanted.to)) continue;
        wanted.from = address_from_socket(&from);
        struct udp_flow *flow = find_flow(&wanted);
        if (!flow) continue;
        flow->used_at = loop_now();
        if (flow->is_dns && !ask(flow, &length)) continue;
        // A datagram that cannot be sent now is lost, as on any network.
        ssize_t sent = send(flow->fd, datagram, (size_t)length, MSG_NOSIGNAL);
        if (sent < 0 && errno == ECONNREFUSED) sent = send(flow->fd, datagram, (size_t)length, MSG_NOSIGNAL);
        if (sent > 0) counters.sent_bytes += (uint64_t)sent;
    }
}

static void arrive(struct watch *watch, uint32_t events) {
    (void)events;
    take_out(watch == &arrivals[0].watch ? arrivals[0].fd : arrivals[1].fd);
}

static void end_idle(time_t now) {
    for (int i = 0; i < FLOWS_MAX; i++)
        if (flows[i].fd >= 0 && now - flows[i].used_at > IDLE_S) end_flow(&flows[i]);
}

void udp_end_all(void) {
    for (int i = 0; i < FLOWS_MAX; i++)
        if (flows[i].fd >= 0) end_flow(&flows[i]);
}

void udp_open(const struct inside *inside) {
    for (int i = 0; i < FLOWS_MAX; i++) flows[i].fd = -1;
    for (int i = 0; i < 2 && inside->udp[i] >= 0; i++) {
        arrivals[i].watch.wake = arrive;
        arrivals[i].fd = inside->udp[i];
        loop_add(inside->udp[i], EPOLLIN, &arrivals[i].watch);
    }
    loop_every_second(end_idle);
}
