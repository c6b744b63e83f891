// The reader of connection attempts: it reads only the given bytes, and what it accepts can be built into a packet again.
#include <stdlib.h>
#include <string.h>

#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static void check_answers(const struct syn *syn, const uint8_t *data, size_t size) {
    static uint8_t packet[PACKET_MAX_BYTES];
    struct syn read;
    size_t head = syn->flow.from.family == AF_INET ? 20 : 40;
    require(syn->length >= head + 20 && packet_build_reset(syn, packet) == head + 20);
    require(!packet_read_syn(packet, head + 20, &read)); // a reset does not count as an attempt
    for (int refusal = REFUSAL_PORT; refusal <= REFUSAL_UNREACHABLE; refusal++)
        require(packet_build_refusal(&syn->flow, 6, syn->sequence, (enum refusal)refusal, packet) == head + 8 + head + 8);
    size_t length = packet_build_datagram(&syn->flow, data, size, packet);
    require(length == (head + 8 + size <= PACKET_MAX_BYTES ? head + 8 + size : 0));
    require(length == 0 || memcmp(packet + head + 8, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > PACKET_MAX_BYTES) return 0;
    uint8_t *exact = malloc(size ? size : 1); // so that the sanitizer sees one byte too many
    memcpy(exact, data, size);
    struct syn syn, again;
    if (packet_read_syn(exact, size, &syn)) {
        require(syn.length <= size && packet_read_syn(exact, syn.length, &again));
        require(packet_is_equal_flow(&syn.flow, &again.flow) && syn.sequence == again.sequence);
        check_answers(&syn, data, size);
    }
    free(exact);
    return 0;
}
