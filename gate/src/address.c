#include "address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int address_bits(const struct address *address) { return address->family == AF_INET ? 32 : 128; }

bool address_is_equal(const struct address *a, const struct address *b) {
    return a->family == b->family && a->port == b->port && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct address address_v4(const uint8_t bytes[4], uint16_t port) {
    struct address address = {.family = AF_INET, .port = port};
    memcpy(address.bytes, bytes, 4);
    return address;
}

struct address address_v6(const uint8_t bytes[16], uint16_t port) {
    struct address address = {.family = AF_INET6, .port = port};
    memcpy(address.bytes, bytes, 16);
    return address;
}

struct address address_from_socket(const struct sockaddr_storage *from) {
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        return address_v4((const uint8_t *)&v4->sin_addr, ntohs(v4->sin_port));
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    return address_v6(v6->sin6_addr.s6_addr, ntohs(v6->sin6_port));
}

socklen_t address_to_socket(const struct address *address, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    to->ss_family = address->family;
    if (address->family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)to;
        memcpy(&v4->sin_addr, address->bytes, 4);
        v4->sin_port = htons(address->port);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    memcpy(&v6->sin6_addr, address->bytes, 16);
    v6->sin6_port = htons(address->port);
    return sizeof *v6;
}

void address_print(const struct address *address, char text[ADDRESS_TEXT_BYTES]) {
    if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_BYTES)) text[0] = '\0';
}

static bool parse_number(const char *text, long max, long *number) {
    char *end;
    if (*text < '0' || *text > '9') return false;
    *number = strtol(text, &end, 10);
    return *end == '\0' && *number <= max;
}

static bool parse_bytes(const char *text, struct address *address) {
    address->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    return inet_pton(address->family, text, address->bytes) == 1;
}

bool range_parse(const char *text, struct range *range) {
    char copy[ADDRESS_TEXT_BYTES], *host = copy;
    size_t length = strlen(text);
    long port = 0, bits;
    if (length >= sizeof copy) return false;
    memcpy(copy, text, length + 1);
    *range = (struct range){0};
    char *colon = strrchr(copy, ':'), *close = strchr(copy, ']');
    bool is_bracketed = copy[0] == '[' && close != NULL;
    if (is_bracketed) {
        if (close[1] != '\0' && close[1] != ':') return false;
        colon = close[1] == ':' ? close + 1 : NULL;
        host = copy + 1;
        *close = '\0';
    } else if (colon && strchr(copy, ':') != colon) {
        colon = NULL; // a bare IPv6 address
    }
    if (colon) {
        if (!parse_number(colon + 1, UINT16_MAX, &port) || port == 0) return false;
        *colon = '\0';
    }
    char *slash = strchr(host, '/');
    if (slash) *slash = '\0';
    if (!parse_bytes(host, &range->base)) return false;
    if (!slash)
        bits = address_bits(&range->base);
    else if (!parse_number(slash + 1, address_bits(&range->base), &bits))
        return false;
    range->bits = (int)bits;
    range->port = (uint16_t)port;
    return true;
}

bool address_parse(const char *text, struct address *address) {
    struct range range;
    if (!range_parse(text, &range) || range.port == 0 || range.bits != address_bits(&range.base)) return false;
    *address = range.base;
    address->port = range.port;
    return true;
}

bool range_holds(const struct range *range, const struct address *address) {
    if (range->base.family != address->family) return false;
    if (range->port != 0 && range->port != address->port) return false;
    int whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(range->base.bytes, address->bytes, (size_t)whole) != 0) return false;
    if (rest == 0) return true;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return ((range->base.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}
