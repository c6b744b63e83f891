// IP packets as bytes: parsing and building.
#ifndef PACKET_H
#define PACKET_H

#include "address.h"

enum { PACKET_MAX_BYTES = 65535 };

// The addresses of a packet.
struct flow {
    struct address from, to;
};

enum refusal {
    REFUSAL_PORT,        // the port is closed
    REFUSAL_PROHIBITED,  // the gate does not let it out
    REFUSAL_UNREACHABLE, // the host has no way there
};

// A connection attempt: an IP packet with a TCP header whose SYN is set and whose ACK is not.
struct syn {
    struct flow flow;
    uint32_t sequence;
    size_t length; // of the packet; the frame around it may be longer
};

bool packet_is_equal_flow(const struct flow *a, const struct flow *b);

// Parses a SYN and completes its checksum, which a virtual device may have left out. False for any other packet.
bool packet_read_syn(uint8_t *packet, size_t length, struct syn *syn);

// Each returns the packet's length, or 0 when it does not fit.
size_t packet_build_reset(const struct syn *syn, uint8_t packet[PACKET_MAX_BYTES]);
size_t packet_build_datagram(const struct flow *flow, const uint8_t *data, size_t length, uint8_t packet[PACKET_MAX_BYTES]);

// Builds an ICMP error about a packet of `flow`. TCP checks the sequence number in it.
size_t packet_build_refusal(const struct flow *flow, uint8_t protocol, uint32_t sequence, enum refusal refusal,
                            uint8_t packet[PACKET_MAX_BYTES]);

#endif
