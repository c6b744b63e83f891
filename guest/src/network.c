#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "write_file.h"

// linux/ipv6.h and linux/ipv6_route.h, which the C library has no headers for.
struct in6_ifreq {
    struct in6_addr address;
    uint32_t prefix_bits;
    int index;
};
struct in6_route {
    struct in6_addr destination, source, gateway;
    uint32_t type;
    uint16_t destination_bits, source_bits;
    uint32_t metric;
    unsigned long info;
    uint32_t flags;
    int index;
};

static bool read_text(struct json object, const char *name, char *text, size_t size) {
    struct json value;
    return json_field(object, name, &value) && json_text(value, text, size) >= 0;
}

static bool read_mac(struct json object, uint8_t mac[6]) {
    char text[18], rest;
    return read_text(object, "mac", text, sizeof text) &&
           sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) == 6;
}

static bool read_address(struct json object, const char *name, int family, void *address) {
    char text[INET6_ADDRSTRLEN];
    return read_text(object, name, text, sizeof text) && inet_pton(family, text, address) == 1;
}

static bool read_number(struct json object, const char *name, int64_t min, int64_t max, int64_t *number) {
    struct json value;
    return json_field(object, name, &value) && json_integer(value, min, max, number);
}

static bool read_resolvers(struct json object, struct network *network) {
    struct json list, value, name;
    struct in6_addr address;
    const char *at = NULL;
    if (!json_field(object, "resolvers", &list) || !json_is_array(list)) return false;
    while (json_next(list, &at, &name, &value)) {
        char *text = network->resolvers[network->resolver_count];
        if (network->resolver_count == RESOLVERS_MAX || json_text(value, text, INET6_ADDRSTRLEN) < 0) return false;
        if (inet_pton(AF_INET, text, &address) != 1 && inet_pton(AF_INET6, text, &address) != 1) return false;
        network->resolver_count++;
    }
    return true;
}

const char *network_read(struct json request, struct network *network) {
    struct json object, value;
    memset(network, 0, sizeof *network);
    if (!json_field(request, "network", &object)) return NULL;
    if (!json_is_object(object)) return "`network` must be an object";
    network->is_wanted = true;
    if (!read_mac(object, network->mac)) return "`network.mac` must be six pairs of hex digits";
    if (!read_number(object, "mtu", 1280, 65535, &network->mtu)) return "`network.mtu` must be 1280 to 65535";
    if (!read_address(object, "address4", AF_INET, &network->address4) ||
        !read_address(object, "gateway4", AF_INET, &network->gateway4) ||
        !read_number(object, "prefix4", 1, 32, &network->prefix4))
        return "`network` must have address4, prefix4 and gateway4";
    network->has_v6 = json_field(object, "address6", &value);
    if (network->has_v6 && (!read_address(object, "address6", AF_INET6, &network->address6) ||
                            !read_address(object, "gateway6", AF_INET6, &network->gateway6) ||
                            !read_number(object, "prefix6", 1, 128, &network->prefix6)))
        return "`network` must have address6, prefix6 and gateway6 together";
    return read_resolvers(object, network) ? NULL : "`network.resolvers` must be at most three addresses";
}

// The interface that is not the loopback. There is one, as the machine has one device.
static bool find_interface(char name[IFNAMSIZ]) {
    struct if_nameindex *all = if_nameindex();
    bool is_found = false;
    for (struct if_nameindex *at = all; at && at->if_index != 0 && !is_found; at++) {
        is_found = strcmp(at->if_name, "lo") != 0;
        if (is_found) snprintf(name, IFNAMSIZ, "%s", at->if_name);
    }
    if (all) if_freenameindex(all);
    if (!is_found) errno = ENODEV;
    return is_found;
}

static struct sockaddr sockaddr4(struct in_addr address) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = address};
    struct sockaddr out;
    memcpy(&out, &in, sizeof out);
    return out;
}

static struct ifreq request_for(const char *name) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static bool set_link(int fd, const char *name, const struct network *network) {
    struct ifreq request = request_for(name);
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) return false; // down, so that its address may change
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, network->mac, sizeof network->mac);
    if (ioctl(fd, SIOCSIFHWADDR, &request) < 0) return false;
    request.ifr_mtu = (int)network->mtu;
    return ioctl(fd, SIOCSIFMTU, &request) == 0;
}

static bool set_v4(int fd, const char *name, const struct network *network) {
    const struct in_addr mask = {htonl(~0u << (32 - network->prefix4))};
    struct ifreq request = request_for(name);
    request.ifr_addr = sockaddr4(network->address4);
    if (ioctl(fd, SIOCSIFADDR, &request) < 0) return false;
    request.ifr_netmask = sockaddr4(mask);
    if (ioctl(fd, SIOCSIFNETMASK, &request) < 0) return false;
    request = request_for(name);
    request.ifr_flags = IFF_UP | IFF_MULTICAST;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) return false;
    struct rtentry route = {
        .rt_dst = sockaddr4((struct in_addr){0}),
        .rt_genmask = sockaddr4((struct in_addr){0}),
        .rt_gateway = sockaddr4(network->gateway4),
        .rt_flags = RTF_UP | RTF_GATEWAY,
    };
    return ioctl(fd, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

// No other host is on this wire: addresses need no probing, and no router is expected.
static void quieten(const char *name) {
    for (const char *setting = "accept_dad"; setting; setting = strcmp(setting, "accept_dad") == 0 ? "accept_ra" : NULL) {
        char path[96];
        snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", name, setting);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) continue; // a kernel without IPv6
        (void)!write(fd, "0", 1);
        close(fd);
    }
}

static bool set_v6(const char *name, const struct network *network) {
    int index = (int)if_nametoindex(name), fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno == EAFNOSUPPORT; // a kernel without IPv6
    struct in6_ifreq address = {network->address6, (uint32_t)network->prefix6, index};
    struct in6_route route = {
        .gateway = network->gateway6,
        .metric = 1024,
        .flags = RTF_UP | RTF_GATEWAY,
        .index = index,
    };
    bool is_done = (ioctl(fd, SIOCSIFADDR, &address) == 0 || errno == EEXIST) &&
                   (ioctl(fd, SIOCADDRT, &route) == 0 || errno == EEXIST);
    int error = errno;
    close(fd);
    errno = error;
    return is_done;
}

static bool write_resolvers(const struct network *network) {
    char text[RESOLVERS_MAX * (INET6_ADDRSTRLEN + 16)] = "";
    size_t at = 0;
    for (int i = 0; i < network->resolver_count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "nameserver %s\n", network->resolvers[i]);
    return write_file("/etc/resolv.conf", text);
}

bool network_apply(const struct network *network, const char **failed) {
    char name[IFNAMSIZ];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *failed = "the network interface";
    if (fd < 0) return false;
    bool is_done = find_interface(name) && set_link(fd, name, network);
    if (is_done) {
        quieten(name);
        is_done = set_v4(fd, name, network) && (!network->has_v6 || set_v6(name, network));
    }
    int error = errno;
    close(fd);
    errno = error;
    if (!is_done) return false;
    return write_resolvers(network) || (*failed = "/etc/resolv.conf", false);
}
