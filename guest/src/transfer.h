// Requests that take more than one turn: trees and files on their way, either direction. They live within one session.
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inlet.h"
#include "outlet.h"
#include "user.h"

struct transfer;

// The functions of one kind of transfer. A kind has `take` and `finish`, or `produce` and `answer`, or `work` alone.
struct transfer_kind {
    // Content from the host, and its end.
    void (*take)(struct transfer *transfer, const uint8_t *bytes, size_t size);
    void (*finish)(struct transfer *transfer);
    // A bounded part of the content for the host, called while the outlet has room for `room_bytes`, until it has its end. False when
    // the transfer has ended. `answer` is called when all of it was sent.
    bool (*produce)(struct transfer *transfer);
    void (*answer)(struct transfer *transfer);
    size_t room_bytes;
    // A bounded part of work without content. False when the transfer has ended.
    bool (*work)(struct transfer *transfer);
    // Drops unfinished work and frees all of it; sends no answer.
    void (*end)(struct transfer *transfer);
};

// The first member of each transfer.
struct transfer {
    uint32_t stream;
    bool is_answered; // it only waits for another request
    const struct transfer_kind *kind;
    struct user user; // the user with whose rights it works
    struct inlet inlet;
    struct outlet outlet;
    struct transfer *following;
};

void transfer_add(struct transfer *transfer, uint32_t stream, const struct transfer_kind *kind);
// Takes the transfer off the list. The `end` of each kind calls this.
void transfer_remove(struct transfer *transfer);
void transfer_end(struct transfer *transfer);

struct transfer *transfer_find(uint32_t stream);
// False when there are too many transfers; then it sends an error on the stream.
bool transfers_have_room(uint32_t stream);
struct transfer *transfers_first(void);

// False when the frame breaks the rules of windows, or this kind of transfer has no such frame.
bool transfer_content(struct transfer *transfer, uint64_t offset, const uint8_t *bytes, size_t size);
bool transfer_mail(struct transfer *transfer, uint64_t offset, uint64_t at, uint32_t length);
bool transfer_zeros(struct transfer *transfer, uint64_t offset, uint32_t length);
bool transfer_eof(struct transfer *transfer, uint64_t offset);
bool transfer_window(struct transfer *transfer, uint64_t acked, uint64_t limit);

// Lets each transfer do its part of a turn.
void transfers_step(void);
bool transfers_have_more(void);
// Sends windows and answers that are due.
void transfers_send_due(void);
void transfers_end(void);

#endif
