#include "policy.h"

#include <string.h>

#include "names.h"
#include "route.h"

static struct range allowed[POLICY_ALLOW_MAX], denied[POLICY_DENY_MAX];
static int allowed_count, denied_count;

struct closed {
    uint8_t bytes[16];
    int bits;
};

// Ranges that IANA's registry of special-purpose addresses lists as not globally reachable, and ranges that clouds use internally.
// AS112's and AMT's ranges are globally reachable.
static const struct closed closed_v4[] = {
    {{0}, 8},                 // "this network"
    {{10}, 8},                // private
    {{100, 64}, 10},          // shared by carriers; also a cloud's metadata
    {{127}, 8},               // loopback
    {{168, 63, 129, 16}, 32}, // a cloud's own services
    {{169, 254}, 16},         // link-local; cloud metadata
    {{172, 16}, 12},          // private
    {{192, 0, 0}, 24},        // protocol assignments; also a cloud's metadata
    {{192, 0, 2}, 24},        // documentation
    {{192, 88, 99}, 24},      // relays of 6to4, given up
    {{192, 168}, 16},         // private
    {{198, 18}, 15},          // benchmarks; the VMs' own addresses
    {{198, 51, 100}, 24},     // documentation
    {{203, 0, 113}, 24},      // documentation
    {{224}, 4},               // multicast
    {{240}, 4},               // reserved; broadcast
};

// The closed ranges of IPv6, where only 2000::/3 is global unicast.
static const struct closed closed_v6[] = {
    {{0}, 3},                       // unspecified, loopback, IPv4-mapped, IPv4-compatible, local NAT64, discard only
    {{0x20, 0x01, 0}, 23},          // protocol assignments: Teredo, benchmarks, ORCHID and others
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
    {{0x20, 0x02}, 16},             // 6to4
    {{0x3f, 0xff, 0}, 20},          // documentation
    {{0x40}, 2},                    // reserved; segment routing inside a network
    {{0x80}, 1},                    // reserved; private, link-local, site-local, multicast
};

static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

bool policy_allow(const struct range *range) {
    if (allowed_count == POLICY_ALLOW_MAX) return false;
    allowed[allowed_count++] = *range;
    return true;
}

bool policy_deny(const struct range *range) {
    if (denied_count == POLICY_DENY_MAX) return false;
    denied[denied_count++] = *range;
    return true;
}

void policy_clear(void) { allowed_count = denied_count = 0; }

static bool is_in(const struct closed *table, size_t count, const struct address *to) {
    for (size_t i = 0; i < count; i++) {
        struct range range = {.base = {.family = to->family}, .bits = table[i].bits};
        memcpy(range.base.bytes, table[i].bytes, sizeof table[i].bytes);
        if (range_holds(&range, to)) return true;
    }
    return false;
}

// ISATAP puts an IPv4 address into the last four bytes of any prefix, behind 5efe.
static bool is_isatap(const uint8_t bytes[16]) {
    return (bytes[8] & 0xfd) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

bool policy_is_closed(const struct address *to, struct address *embedded) {
    *embedded = (struct address){0};
    if (to->family == AF_INET) return is_in(closed_v4, sizeof closed_v4 / sizeof *closed_v4, to);
    bool is_nat64 = memcmp(to->bytes, nat64, sizeof nat64) == 0;
    if (is_nat64 || is_isatap(to->bytes)) {
        *embedded = address_v4(to->bytes + 12, to->port);
        struct address none;
        if (policy_is_closed(embedded, &none)) return true;
    }
    return !is_nat64 && is_in(closed_v6, sizeof closed_v6 / sizeof *closed_v6, to);
}

bool policy_open(void) { return route_open(); }

static bool is_denied(const struct address *to) {
    for (int i = 0; i < denied_count; i++)
        if (range_holds(&denied[i], to)) return true;
    return false;
}

enum verdict policy_judge(const struct address *to, bool *is_by_name) {
    struct address embedded;
    *is_by_name = false;
    for (int i = 0; i < allowed_count; i++)
        if (range_holds(&allowed[i], to)) return VERDICT_OPEN;
    bool is_closed = policy_is_closed(to, &embedded);
    if (is_denied(to) || (embedded.family != 0 && is_denied(&embedded))) return VERDICT_CLOSED;
    *is_by_name = names_are_required();
    if (*is_by_name && !names_is_learned(to)) return VERDICT_NAME;
    if (is_closed) return VERDICT_CLOSED;
    if (route_is_own(to) || (embedded.family != 0 && route_is_own(&embedded))) return VERDICT_HOST;
    return VERDICT_OPEN;
}

const char *verdict_name(enum verdict verdict) {
    switch (verdict) {
    case VERDICT_CLOSED: return "closed_range";
    case VERDICT_HOST: return "host_address";
    case VERDICT_NAME: return "name";
    case VERDICT_LIMIT: return "too_many";
    default: return "open";
    }
}
