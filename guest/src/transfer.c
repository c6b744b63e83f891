#include "transfer.h"

#include <errno.h>

#include "mailbox.h"
#include "reply.h"
#include "session.h"

enum { PARTS_PER_TURN = 32 };

static struct transfer *transfers;
static int count;

bool transfers_have_room(uint32_t stream) {
    if (count < TRANSFERS_MAX) return true;
    reply_error(stream, "TOO_MANY_JOBS", 0, NULL, "too many transfers at once");
    return false;
}

struct transfer *transfers_first(void) { return transfers; }

struct transfer *transfer_find(uint32_t stream) {
    struct transfer *transfer = transfers;
    while (transfer && transfer->stream != stream) transfer = transfer->following;
    return transfer;
}

void transfer_add(struct transfer *transfer, uint32_t stream, const struct transfer_kind *kind) {
    transfer->stream = stream;
    transfer->kind = kind;
    transfer->user = *user_acting();
    if (kind->take) inlet_grant(&transfer->inlet, CONTENT_GRANT_MAX_BYTES);
    if (kind->produce) {
        outlet_add(&transfer->outlet, stream, CHANNEL_CONTENT);
        transfer->outlet.takes_mail = mailbox_out_bytes() > 0;
    }
    transfer->following = transfers;
    transfers = transfer;
    count++;
}

void transfer_remove(struct transfer *transfer) {
    struct transfer **link = &transfers;
    while (*link != transfer) link = &(*link)->following;
    *link = transfer->following;
    count--;
    if (transfer->kind->produce) outlet_remove(&transfer->outlet);
}

void transfer_end(struct transfer *transfer) { transfer->kind->end(transfer); }

void transfers_end(void) {
    while (transfers) transfer_end(transfers);
}

static bool receive(struct transfer *transfer, uint64_t offset, uint64_t size) {
    if (!transfer->kind->take || !inlet_receive(&transfer->inlet, offset, size)) return false;
    inlet_use_up(&transfer->inlet);
    return true;
}

// The transfer may have been freed when these return.
static void take(struct transfer *transfer, const uint8_t *bytes, size_t size) {
    user_become(&transfer->user);
    transfer->kind->take(transfer, bytes, size);
    user_become(&user_own);
}

bool transfer_content(struct transfer *transfer, uint64_t offset, const uint8_t *bytes, size_t size) {
    if (!receive(transfer, offset, size)) return false;
    take(transfer, bytes, size);
    return true;
}

bool transfer_mail(struct transfer *transfer, uint64_t offset, uint64_t at, uint32_t length) {
    if (!receive(transfer, offset, length)) return false;
    const uint8_t *bytes = mailbox_read(at, length);
    if (bytes) {
        take(transfer, bytes, length);
    } else {
        reply_error(transfer->stream, "IO", errno, NULL, "the mailbox was not read");
        transfer_end(transfer);
    }
    return true;
}

bool transfer_zeros(struct transfer *transfer, uint64_t offset, uint32_t length) {
    static _Alignas(MAIL_ALIGN_BYTES) uint8_t zeros[MAIL_MAX_BYTES]; // never written to, so it takes no memory
    return transfer_content(transfer, offset, zeros, length);
}

bool transfer_eof(struct transfer *transfer, uint64_t offset) {
    if (!transfer->kind->take || !inlet_receive_eof(&transfer->inlet, offset)) return false;
    user_become(&transfer->user);
    transfer->kind->finish(transfer);
    user_become(&user_own);
    return true;
}

bool transfer_window(struct transfer *transfer, uint64_t acked, uint64_t limit) {
    return transfer->kind->produce && outlet_window(&transfer->outlet, acked, limit);
}

static bool has_more(const struct transfer *transfer) {
    const struct outlet *outlet = &transfer->outlet;
    if (transfer->kind->work) return !transfer->is_answered;
    return transfer->kind->produce && outlet->is_open && !outlet->has_end && outlet_room(outlet) >= transfer->kind->room_bytes;
}

bool transfers_have_more(void) {
    const struct transfer *transfer = transfers;
    while (transfer && !has_more(transfer)) transfer = transfer->following;
    return transfer != NULL;
}

// Many parts in a turn, since a part may have only a few bytes and each turn takes time.
static void step(struct transfer *transfer) {
    bool (*part)(struct transfer *) = transfer->kind->work ? transfer->kind->work : transfer->kind->produce;
    user_become(&transfer->user);
    for (int count = 0; count < PARTS_PER_TURN && has_more(transfer); count++)
        if (!part(transfer)) break;
    user_become(&user_own);
}

void transfers_step(void) {
    for (struct transfer *transfer = transfers, *following; transfer; transfer = following) {
        following = transfer->following;
        step(transfer);
    }
}

void transfers_send_due(void) {
    for (struct transfer *transfer = transfers, *following; transfer; transfer = following) {
        following = transfer->following;
        if (transfer->inlet.owes_window) session_send_window(transfer->stream, CHANNEL_CONTENT, &transfer->inlet);
        if (!transfer->outlet.sent_eof) continue;
        transfer->kind->answer(transfer);
        transfer_end(transfer);
    }
}
