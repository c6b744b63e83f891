#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

static int asking = -1;
static uint32_t sequence;

struct question {
    struct nlmsghdr header;
    struct rtmsg route;
    uint8_t attributes[64];
};

static void add(struct question *question, unsigned short type, const void *data, unsigned short length) {
    struct rtattr *attribute = (struct rtattr *)((uint8_t *)question + NLMSG_ALIGN(question->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(length);
    memcpy(RTA_DATA(attribute), data, length);
    question->header.nlmsg_len = NLMSG_ALIGN(question->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static struct question begin(uint16_t type, uint16_t flags) {
    return (struct question){
        .header = {
            .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
            .nlmsg_type = type,
            .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
            .nlmsg_seq = ++sequence,
        },
    };
}

static ssize_t ask(int fd, const struct question *question, uint8_t *answer, size_t size) {
    if (send(fd, question, question->header.nlmsg_len, 0) < 0) return -1;
    for (;;) {
        ssize_t length = recv(fd, answer, size, 0);
        if (length < (ssize_t)sizeof(struct nlmsghdr)) return -1;
        const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
        if (header->nlmsg_seq == question->header.nlmsg_seq) return length;
    }
}

static int open_socket(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

bool route_open(void) { return (asking = open_socket()) >= 0; }

bool route_is_own(const struct address *to) {
    _Alignas(struct nlmsghdr) uint8_t answer[4096];
    struct question question = begin(RTM_GETROUTE, 0);
    question.route.rtm_family = (uint8_t)to->family;
    question.route.rtm_dst_len = (uint8_t)address_bits(to);
    add(&question, RTA_DST, to->bytes, (unsigned short)(address_bits(to) / 8));
    if (ask(asking, &question, answer, sizeof answer) < 0) return true;
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
    if (header->nlmsg_type == NLMSG_ERROR) {
        // No route: the connection then fails with the kernel's own error.
        int error = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
        return error != ENETUNREACH && error != EHOSTUNREACH;
    }
    if (header->nlmsg_type != RTM_NEWROUTE) return true;
    const struct rtmsg *route = NLMSG_DATA(header);
    return route->rtm_type != RTN_UNICAST && route->rtm_type != RTN_UNREACHABLE && route->rtm_type != RTN_BLACKHOLE &&
           route->rtm_type != RTN_PROHIBIT;
}

bool route_add_local_default(sa_family_t family, int loopback_index) {
    _Alignas(struct nlmsghdr) uint8_t answer[1024];
    struct question question = begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
    question.route.rtm_family = (uint8_t)family;
    question.route.rtm_table = RT_TABLE_MAIN;
    question.route.rtm_protocol = RTPROT_STATIC;
    question.route.rtm_scope = RT_SCOPE_HOST;
    question.route.rtm_type = RTN_LOCAL;
    add(&question, RTA_OIF, &loopback_index, sizeof loopback_index);
    int fd = open_socket();
    if (fd < 0) return false;
    ssize_t length = ask(fd, &question, answer, sizeof answer);
    close(fd);
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
    if (length < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || header->nlmsg_type != NLMSG_ERROR) return false;
    errno = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
    return errno == 0;
}
