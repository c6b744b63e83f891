// An IPv4 or IPv6 address with a port, and ranges of them.
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    sa_family_t family; // AF_INET or AF_INET6
    uint16_t port;      // in the host's byte order
    uint8_t bytes[16];  // as on the wire; an IPv4 address has the first four, the rest is zero
};

struct range {
    struct address base;
    int bits;
    uint16_t port; // 0 for any
};

enum { ADDRESS_TEXT_BYTES = 64 };

int address_bits(const struct address *address);
bool address_is_equal(const struct address *a, const struct address *b);
struct address address_v4(const uint8_t bytes[4], uint16_t port);
struct address address_v6(const uint8_t bytes[16], uint16_t port);
struct address address_from_socket(const struct sockaddr_storage *from);
socklen_t address_to_socket(const struct address *address, struct sockaddr_storage *to);

// Prints the address without the port: `203.0.113.7` or `2001:db8::1`.
void address_print(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

// `ADDRESS:PORT`, `[ADDRESS]:PORT`.
bool address_parse(const char *text, struct address *address);

// `ADDRESS/BITS`, `ADDRESS/BITS:PORT`, `[ADDRESS/BITS]:PORT`; without bits it is that one address.
bool range_parse(const char *text, struct range *range);
bool range_holds(const struct range *range, const struct address *address);

#endif
