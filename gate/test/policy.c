// The gate's decisions without a network: parsing of ranges, closed addresses, and parsing of packets.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/rate_limit.h"
#include "../src/packet.h"
#include "../src/policy.h"
#include "expect.h"

static struct address parse(const char *text) {
    struct range range;
    if (!range_parse(text, &range)) {
        printf("cannot read %s\n", text);
        exit(1);
    }
    return range.base;
}

static void test_ranges(void) {
    static const char *const good[] = {
        "10.0.0.0/8", "10.0.0.0/8:443", "10.0.0.1", "10.0.0.1:1", "0.0.0.0/0", "fd00::/8", "[fd00::/8]:65535",
        "[fd00::1]:80", "[fd00::1]", "::", "::/0", "::ffff:10.0.0.1", "[10.0.0.0/8]:80",
    };
    static const char *const bad[] = {
        "", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:65536",
        "10.0.0.0/8:80x", "fd00::/129", "[fd00::", "[fd00::]80", "fd00::/8:80 ", "a", ":80", "/8", "[]:80", "10.0.0.1:+1",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct range range;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect(range_parse(good[i], &range), "is a range:", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!range_parse(bad[i], &range), "is no range:", bad[i]);
    struct address inside = parse("10.255.0.1"), outside = parse("11.0.0.0");
    range_parse("10.0.0.0/8:80", &range);
    inside.port = 80;
    outside.port = 80;
    expect(range_holds(&range, &inside), "holds", "10.255.0.1:80");
    expect(!range_holds(&range, &outside), "does not hold", "11.0.0.0:80");
    inside.port = 81;
    expect(!range_holds(&range, &inside), "does not hold", "10.255.0.1:81");
    range_parse("10.0.0.128/25", &range);
    inside = parse("10.0.0.127");
    expect(!range_holds(&range, &inside), "does not hold", "10.0.0.127");
}

static void test_closed(void) {
    static const char *const closed[] = {
        "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "168.63.129.16", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.2.0",
        "192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0",
        "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8",
        "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::203.0.113.1", "64:ff9b:1::8.8.8.8",
        "64:ff9b:1:ffff::1", "100::1", "100:0:0:1::1", "1fff:ffff::1", "2001::1", "2001:0:7f00:1::", "2001:1::1", "2001:2::1",
        "2001:2:1::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:1ff:ffff::1", "2001:db8::", "2001:db8:ffff::1", "2002:7f00:1::1",
        "2002:808:808::1", "3fff::", "3fff:fff:ffff::1", "4000::1", "5eff::1", "5f00::1", "5f01::1", "8000::1", "fbff::1", "fc00::1",
        "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "2a00::5efe:10.0.0.1",
        "2a00::200:5efe:127.0.0.1", "2a00::5efe:192.0.2.1", "fd00::5efe:8.8.8.8", "fe80::5efe:8.8.8.8",
    };
    static const char *const open[] = {
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.1.255",
        "192.0.3.0", "192.31.196.1", "192.52.193.1", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "192.175.48.1",
        "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "64:ff9b::8.8.8.8", "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606::1", "2620:4f:8000::1",
        "3ffe:ffff::1", "3fff:1000::1", "3fff:ffff::1", "2a00::5efe:8.8.8.8",
    };
    struct address embedded;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        struct address to = parse(closed[i]);
        expect(policy_is_closed(&to, &embedded), "closed:", closed[i]);
    }
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        struct address to = parse(open[i]);
        expect(!policy_is_closed(&to, &embedded), "open:", open[i]);
    }
    struct address nat64 = parse("64:ff9b::8.8.4.4"), inside = parse("8.8.4.4");
    policy_is_closed(&nat64, &embedded);
    expect(address_is_equal(&embedded, &inside), "NAT64 shows the address inside", "");
}

static int take_all(time_t now) {
    int taken = 0;
    while (taken < 10 * RATE_BURST && rate_limit_take(now)) taken++;
    return taken;
}

static void test_pace(void) {
    expect(take_all(100) == RATE_BURST && take_all(100) == 0, "as many as may be", "at once");
    expect(take_all(101) == RATE_PER_S, "as many as may be", "a second later");
    expect(take_all(1000000) == RATE_BURST, "not more than may be", "at once after a long while");
}

// Every prefix of a packet, and every packet with one byte changed, is parsed without a read outside of it.
static void attack(const uint8_t *packet, size_t length) {
    struct syn syn;
    for (size_t cut = 0; cut <= length; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, packet, cut);
        packet_read_syn(copy, cut, &syn);
        free(copy);
    }
    for (size_t at = 0; at < length; at++) {
        for (int value = 0; value < 256; value++) {
            uint8_t *copy = malloc(length);
            memcpy(copy, packet, length);
            copy[at] = (uint8_t)value;
            packet_read_syn(copy, length, &syn);
            free(copy);
        }
    }
}

static void test_packets(void) {
    uint8_t v4[50] = {0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 2, 203, 0, 113, 7, 0x9c, 0x40, 0, 80, 1, 2, 3, 4};
    uint8_t v6[60] = {0x60, 0, 0, 0, 0, 20, 6, 64, 0xfd, [23] = 2, 0x20, 1, 0x0d, 0xb8, [39] = 7, 0x9c, 0x40, 0, 80, 9, 8, 7, 6};
    static uint8_t answer[PACKET_MAX_BYTES], data[PACKET_MAX_BYTES];
    struct syn syn;
    v4[32] = 6 << 4, v4[33] = 2;
    v6[52] = 5 << 4, v6[53] = 2;
    expect(packet_read_syn(v4, sizeof v4, &syn) && syn.length == 44, "a SYN", "v4, in a frame that is longer");
    struct address to = parse("203.0.113.7");
    to.port = 80;
    expect(address_is_equal(&syn.flow.to, &to) && syn.sequence == 0x01020304 && syn.flow.from.port == 40000, "read", "v4");
    expect(packet_build_reset(&syn, answer) == 40 && answer[33] == 0x14 && answer[31] == 5, "a reset", "v4");
    expect(packet_read_syn(v6, sizeof v6, &syn) && syn.length == sizeof v6, "a SYN", "v6");
    expect(syn.flow.to.port == 80 && syn.sequence == 0x09080706, "read", "v6");
    expect(packet_build_reset(&syn, answer) == 60, "a reset", "v6");
    expect(packet_build_refusal(&syn.flow, 6, syn.sequence, REFUSAL_UNREACHABLE, answer) == 96, "an error", "v6");
    expect(packet_build_datagram(&syn.flow, data, 65535 - 48, answer) == 65535, "the longest datagram", "v6");
    expect(packet_build_datagram(&syn.flow, data, 65535 - 47, answer) == 0, "too long a datagram", "v6");
    attack(v4, sizeof v4);
    attack(v6, sizeof v6);
    v4[33] = 0x12;
    expect(!packet_read_syn(v4, sizeof v4, &syn), "not a SYN:", "SYN and ACK");
    v4[33] = 2, v4[6] = 0x20;
    expect(!packet_read_syn(v4, sizeof v4, &syn), "not a SYN:", "a fragment");
}

int main(void) {
    test_ranges();
    test_closed();
    test_packets();
    test_pace();
    return expect_end("policy");
}
