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

static bool is_worth_a_window(const struct inlet *inlet) {
    return inlet->acked + inlet->grant - inlet->limit >= inlet->grant / 4;
}

void inlet_acknowledge(struct inlet *inlet, uint64_t offset) {
    if (offset == inlet->acked) return;
    inlet->acked = offset;
    bool is_all = inlet->acked == inlet->received;
    if (inlet->is_granted && (is_all || is_worth_a_window(inlet))) inlet_grant(inlet, inlet->grant);
}

void inlet_use_up(struct inlet *inlet) {
    inlet->acked = inlet->received;
    if (is_worth_a_window(inlet)) inlet_grant(inlet, inlet->grant);
}
