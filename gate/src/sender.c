#include "sender.h"

static const struct inside *inside;

void sender_open(const struct inside *given) { inside = given; }

void sender_send(const uint8_t *packet, size_t length, const struct address *to) {
    struct address host = *to;
    struct sockaddr_storage address;
    if (length == 0) return;
    host.port = 0; // a raw socket has no ports
    socklen_t size = address_to_socket(&host, &address);
    // A packet that cannot be sent is lost, as packets are.
    (void)!sendto(inside->raw[to->family == AF_INET ? 0 : 1], packet, length, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
}
