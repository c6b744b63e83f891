#include "inlet.h"

#include "protocol.h"

bool inlet_receive(struct inlet *inlet, uint64_t offset, uint64_t count) {
    if (offset != inlet->received || inlet->has_eof) return false;
    if (offset > inlet->limit || count > inlet->limit - offset) return false;
    inlet->received += count;
    return true;
}

bool inlet_receive_eof(struct inlet *inlet, uint64_t offset) {
    if (!inlet_receive(inlet, offset, 0) || !inlet->is_granted) return false;
    inlet->has_eof = true;
    return true;
}

void inlet_reset(struct inlet *inlet) {
    inlet->received = inlet->limit = inlet->acked;
    inlet->has_eof = inlet->is_granted = inlet->owes_window = false;
}

void inlet_grant(struct inlet *inlet, uint64_t grant) {
    inlet->grant = grant;
    inlet->limit = inlet->acked + grant;
    inlet->is_granted = inlet->owes_window = true;
}

void inlet_acknowledge(struct inlet *inlet, uint64_t offset) {
    inlet->acked = offset;
    if (inlet->is_granted && inlet->acked + inlet->grant - inlet->limit >= inlet->grant / 4) inlet_grant(inlet, inlet->grant);
}
