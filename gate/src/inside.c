#include "inside.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fatal.h"
#include "route.h"
#include "rules.h"

#define TAP "tap0"

// From linux/ipv6.h, which conflicts with the C library's headers.
struct in6_ifreq {
    struct in6_addr address;
    uint32_t prefix_bits;
    int index;
};

// The gateway's MAC address, which a guest asks for. It is the same in every namespace.
static const uint8_t gateway_mac[6] = {0x02, 0x70, 0x79, 0x72, 0x6f, 0x01};

static void write_setting(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0) fatal_errno(path);
    close(fd);
}

static void request(int fd, unsigned long code, void *argument, const char *what) {
    if (ioctl(fd, code, argument) < 0) fatal_errno(what);
}

static void raise_interface(int fd, const char *name) {
    struct ifreq flags = {.ifr_flags = IFF_UP | IFF_MULTICAST};
    snprintf(flags.ifr_name, sizeof flags.ifr_name, "%s", name);
    request(fd, SIOCSIFFLAGS, &flags, name);
}

static int open_tap(int fd) {
    struct ifreq tap = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (device < 0) fatal_errno("/dev/net/tun");
    request(device, TUNSETIFF, &tap, "/dev/net/tun: TUNSETIFF");
    tap.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(tap.ifr_hwaddr.sa_data, gateway_mac, sizeof gateway_mac);
    request(fd, SIOCSIFHWADDR, &tap, "the tap's address");
    tap.ifr_mtu = INSIDE_MTU;
    request(fd, SIOCSIFMTU, &tap, "the tap's MTU");
    return device;
}

static void add_address4(int fd, const struct address *gateway) {
    struct sockaddr_storage address;
    struct ifreq tap = {.ifr_name = TAP};
    address_to_socket(gateway, &address);
    memcpy(&tap.ifr_addr, &address, sizeof tap.ifr_addr);
    request(fd, SIOCSIFADDR, &tap, "the gateway's address");
    const struct address mask = {.family = AF_INET, .bytes = {255, 255, 255, 252}};
    address_to_socket(&mask, &address);
    memcpy(&tap.ifr_netmask, &address, sizeof tap.ifr_netmask);
    request(fd, SIOCSIFNETMASK, &tap, "the gateway's network");
}

static void add_address6(const struct address *gateway, int index) {
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct in6_ifreq address = {.prefix_bits = 64, .index = index};
    if (fd < 0) fatal_errno("IPv6");
    memcpy(&address.address, gateway->bytes, 16);
    request(fd, SIOCSIFADDR, &address, "the gateway's IPv6 address");
    close(fd);
}

static void set(int fd, int level, int name, int value, const char *what) {
    if (setsockopt(fd, level, name, &value, sizeof value) < 0) fatal_errno(what);
}

static int open_bound(sa_family_t family, int type) {
    bool is_v4 = family == AF_INET;
    struct sockaddr_storage any;
    const struct address port = {.family = family, .port = INSIDE_PORT};
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) fatal_errno("a socket inside");
    if (!is_v4) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    if (is_v4)
        set(fd, IPPROTO_IP, IP_TRANSPARENT, 1, "IP_TRANSPARENT");
    else
        set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1, "IPV6_TRANSPARENT");
    if (type == SOCK_DGRAM && is_v4) set(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1, "IP_RECVORIGDSTADDR");
    if (type == SOCK_DGRAM && !is_v4) set(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1, "IPV6_RECVORIGDSTADDR");
    if (bind(fd, (struct sockaddr *)&any, address_to_socket(&port, &any)) < 0) fatal_errno("binding inside");
    if (type == SOCK_STREAM && listen(fd, 512) < 0) fatal_errno("listening inside");
    return fd;
}

// Lets only TCP packets through that have SYN and not ACK: at most one a connection.
static void filter_syn(int fd, bool is_v4) {
    const uint8_t no = is_v4 ? 7 : 4;
    const struct sock_filter v4[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, no),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, no - 2, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0x40000),     BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_filter v6[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, no),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 53), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0x40000),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {
        .len = is_v4 ? sizeof v4 / sizeof *v4 : sizeof v6 / sizeof *v6,
        .filter = (struct sock_filter *)(is_v4 ? v4 : v6),
    };
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) fatal_errno("the filter");
}

static int open_syn(sa_family_t family, int index) {
    bool is_v4 = family == AF_INET;
    struct sockaddr_ll tap = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(is_v4 ? ETH_P_IP : ETH_P_IPV6),
        .sll_ifindex = index,
    };
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); // receives nothing before it is bound
    if (fd < 0) fatal_errno("a packet socket");
    filter_syn(fd, is_v4);
    if (bind(fd, (struct sockaddr *)&tap, sizeof tap) < 0) fatal_errno("the packet socket");
    return fd;
}

static int open_raw(sa_family_t family) {
    int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
    if (fd < 0) fatal_errno("a raw socket");
    set(fd, SOL_SOCKET, SO_MARK, INSIDE_MARK, "SO_MARK");
    return fd;
}

void inside_build(const struct options *options, struct inside *inside) {
    if (unshare(CLONE_NEWNET) < 0) fatal_errno("a network namespace");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fatal_errno("a socket");
    rules_load(options, INSIDE_PORT, INSIDE_MARK);
    raise_interface(fd, "lo");
    inside->tap = open_tap(fd);
    add_address4(fd, &options->gateway4);
    write_setting("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
    write_setting("/proc/sys/net/ipv4/conf/lo/rp_filter", "0");
    write_setting("/proc/sys/net/ipv4/conf/" TAP "/rp_filter", "0");
    write_setting("/proc/sys/net/ipv4/ip_forward", "0");
    int index = (int)if_nametoindex(TAP), loopback = (int)if_nametoindex("lo");
    if (options->has_v6) write_setting("/proc/sys/net/ipv6/conf/" TAP "/accept_dad", "0");
    raise_interface(fd, TAP);
    if (options->has_v6) add_address6(&options->gateway6, index);
    if (!route_add_local_default(AF_INET, loopback)) fatal_errno("the route");
    if (options->has_v6 && !route_add_local_default(AF_INET6, loopback)) fatal_errno("the IPv6 route");
    for (int i = 0; i < 2; i++) {
        const sa_family_t family = i == 0 ? AF_INET : AF_INET6;
        bool is_there = i == 0 || options->has_v6;
        inside->tcp[i] = is_there ? open_bound(family, SOCK_STREAM) : -1;
        inside->udp[i] = is_there ? open_bound(family, SOCK_DGRAM) : -1;
        inside->syn[i] = is_there ? open_syn(family, index) : -1;
        inside->raw[i] = is_there ? open_raw(family) : -1;
    }
    close(fd);
}
