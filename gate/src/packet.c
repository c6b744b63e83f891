#include "packet.h"

#include <string.h>

enum {
    IP4_BYTES = 20,
    IP6_BYTES = 40,
    TCP_BYTES = 20,
    UDP_BYTES = 8,
    ICMP_BYTES = 8,
    QUOTED_BYTES = 8, // bytes of the inner header that an ICMP error repeats
    HOPS = 64,
    TCP_SYN = 0x02,
    TCP_RST_ACK = 0x14,
    TCP_ACK = 0x10,
    ICMP6 = 58,
};

static void put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static uint64_t sum_bytes(const uint8_t *bytes, size_t length) {
    uint64_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2) sum += get16(bytes + i);
    return length % 2 ? sum + ((uint64_t)bytes[length - 1] << 8) : sum;
}

static uint16_t fold(uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

// The checksum of TCP, UDP and ICMPv6 covers the addresses too.
static uint16_t checksum(const struct flow *flow, uint8_t protocol, const uint8_t *bytes, size_t length) {
    uint64_t sum = sum_bytes(flow->from.bytes, 16) + sum_bytes(flow->to.bytes, 16);
    return fold(sum + protocol + length + sum_bytes(bytes, length));
}

bool packet_is_equal_flow(const struct flow *a, const struct flow *b) {
    return address_is_equal(&a->from, &b->from) && address_is_equal(&a->to, &b->to);
}

// The offset of the TCP header; 0 when this is not a whole packet with one.
static size_t find_tcp(const uint8_t *packet, size_t length, struct flow *flow, size_t *end) {
    if (length >= IP4_BYTES && packet[0] >> 4 == 4) {
        size_t header = (size_t)(packet[0] & 15) * 4;
        *end = get16(packet + 2);
        bool is_fragment = (get16(packet + 6) & 0x3fff) != 0;
        if (header < IP4_BYTES || packet[9] != IPPROTO_TCP || is_fragment) return 0;
        *flow = (struct flow){address_v4(packet + 12, 0), address_v4(packet + 16, 0)};
        return header;
    }
    if (length >= IP6_BYTES && packet[0] >> 4 == 6) {
        *end = IP6_BYTES + (size_t)get16(packet + 4);
        if (packet[6] != IPPROTO_TCP) return 0;
        *flow = (struct flow){address_v6(packet + 8, 0), address_v6(packet + 24, 0)};
        return IP6_BYTES;
    }
    return 0;
}

bool packet_read_syn(uint8_t *packet, size_t length, struct syn *syn) {
    size_t end = 0, at = find_tcp(packet, length, &syn->flow, &end);
    if (at == 0 || end > length || end < at + TCP_BYTES) return false;
    uint8_t *tcp = packet + at;
    if ((tcp[13] & (TCP_SYN | TCP_ACK)) != TCP_SYN) return false;
    syn->flow.from.port = get16(tcp);
    syn->flow.to.port = get16(tcp + 2);
    syn->sequence = get32(tcp + 4);
    syn->length = end;
    put16(tcp + 16, 0);
    put16(tcp + 16, checksum(&syn->flow, IPPROTO_TCP, tcp, end - at));
    return true;
}

// Writes the IP header before `length` bytes. Returns its size.
static size_t write_ip(const struct flow *flow, uint8_t protocol, size_t length, uint8_t *packet) {
    if (flow->from.family == AF_INET) {
        memset(packet, 0, IP4_BYTES);
        packet[0] = 0x45;
        put16(packet + 2, IP4_BYTES + length);
        packet[8] = HOPS;
        packet[9] = protocol;
        memcpy(packet + 12, flow->from.bytes, 4);
        memcpy(packet + 16, flow->to.bytes, 4);
        put16(packet + 10, fold(sum_bytes(packet, IP4_BYTES)));
        return IP4_BYTES;
    }
    memset(packet, 0, IP6_BYTES);
    packet[0] = 0x60;
    put16(packet + 4, length);
    packet[6] = protocol;
    packet[7] = HOPS;
    memcpy(packet + 8, flow->from.bytes, 16);
    memcpy(packet + 24, flow->to.bytes, 16);
    return IP6_BYTES;
}

static size_t ip_bytes(const struct flow *flow) { return flow->from.family == AF_INET ? IP4_BYTES : IP6_BYTES; }

static struct flow turned(const struct flow *flow) { return (struct flow){.from = flow->to, .to = flow->from}; }

size_t packet_build_reset(const struct syn *syn, uint8_t packet[PACKET_MAX_BYTES]) {
    struct flow back = turned(&syn->flow);
    uint8_t *tcp = packet + write_ip(&back, IPPROTO_TCP, TCP_BYTES, packet);
    memset(tcp, 0, TCP_BYTES);
    put16(tcp, back.from.port);
    put16(tcp + 2, back.to.port);
    put32(tcp + 8, syn->sequence + 1);
    tcp[12] = TCP_BYTES / 4 << 4;
    tcp[13] = TCP_RST_ACK;
    put16(tcp + 16, checksum(&back, IPPROTO_TCP, tcp, TCP_BYTES));
    return ip_bytes(&back) + TCP_BYTES;
}

size_t packet_build_datagram(const struct flow *flow, const uint8_t *data, size_t length,
                             uint8_t packet[PACKET_MAX_BYTES]) {
    if (ip_bytes(flow) + UDP_BYTES + length > PACKET_MAX_BYTES) return 0;
    uint8_t *udp = packet + write_ip(flow, IPPROTO_UDP, UDP_BYTES + length, packet);
    put16(udp, flow->from.port);
    put16(udp + 2, flow->to.port);
    put16(udp + 4, UDP_BYTES + length);
    put16(udp + 6, 0);
    memcpy(udp + UDP_BYTES, data, length);
    uint16_t sum = checksum(flow, IPPROTO_UDP, udp, UDP_BYTES + length);
    put16(udp + 6, sum == 0 ? 0xffff : sum);
    return ip_bytes(flow) + UDP_BYTES + length;
}

size_t packet_build_refusal(const struct flow *flow, uint8_t protocol, uint32_t sequence, enum refusal refusal,
                            uint8_t packet[PACKET_MAX_BYTES]) {
    static const uint8_t codes_v4[] = {3, 13, 1}, codes_v6[] = {4, 1, 3};
    bool is_v4 = flow->from.family == AF_INET;
    struct flow back = turned(flow);
    size_t quoted = ip_bytes(flow) + QUOTED_BYTES, length = ICMP_BYTES + quoted;
    uint8_t protocol_back = is_v4 ? IPPROTO_ICMP : ICMP6;
    uint8_t *icmp = packet + write_ip(&back, protocol_back, length, packet);
    memset(icmp, 0, length);
    icmp[0] = is_v4 ? 3 : 1;
    icmp[1] = is_v4 ? codes_v4[refusal] : codes_v6[refusal];
    uint8_t *quote = icmp + ICMP_BYTES + write_ip(flow, protocol, QUOTED_BYTES, icmp + ICMP_BYTES);
    put16(quote, flow->from.port);
    put16(quote + 2, flow->to.port);
    put32(quote + 4, sequence);
    put16(icmp + 2, is_v4 ? fold(sum_bytes(icmp, length)) : checksum(&back, protocol_back, icmp, length));
    return ip_bytes(&back) + length;
}
