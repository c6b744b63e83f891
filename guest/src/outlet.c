#include "outlet.h"

#include <string.h>

#include "mailbox.h"

static struct outlet *outlets;

enum {
    OVERHEAD_BYTES = FRAME_HEADER_BYTES + DATA_HEADER_BYTES + FRAME_TAG_BYTES,
    LETTER_BYTES = FRAME_HEADER_BYTES + MAIL_PAYLOAD_BYTES + FRAME_TAG_BYTES,
    // While a piece is on its way, the next one waits until it is as large as this.
    NEXT_MAIL_MIN_BYTES = 524288,
};

void outlet_add(struct outlet *outlet, uint32_t stream, uint8_t channel) {
    *outlet = (struct outlet){.stream = stream, .channel = channel, .following = outlets};
    outlets = outlet;
}

void outlet_remove(struct outlet *outlet) {
    struct outlet **link = &outlets;
    while (*link && *link != outlet) link = &(*link)->following;
    if (*link) *link = outlet->following;
    mailbox_release(outlet, UINT64_MAX);
    ring_free(&outlet->ring);
}

void outlet_end(struct outlet *outlet, uint64_t end) {
    outlet->has_end = true;
    outlet->end = end;
}

void outlet_close(struct outlet *outlet) {
    outlet->is_open = outlet->sent_eof = outlet->is_mailed = false;
    mailbox_release(outlet, UINT64_MAX);
    outlet->limit = outlet->next = outlet->ring.base;
}

bool outlet_window(struct outlet *outlet, uint64_t acked, uint64_t limit) {
    if (acked < outlet->ring.base || acked > outlet->sent || limit < acked) return false;
    if (!outlet->is_open || acked > outlet->next) outlet->next = acked;
    outlet->is_open = true;
    outlet->limit = limit;
    outlet->is_mailed = outlet->takes_mail && limit - acked > OUTPUT_HELD_MAX_BYTES;
    mailbox_release(outlet, acked);
    ring_drop(&outlet->ring, acked);
    return true;
}

size_t outlet_room(const struct outlet *outlet) {
    uint64_t held = outlet->ring.head - outlet->ring.base;
    uint64_t most = outlet->is_mailed ? OUTPUT_MAILED_MAX_BYTES : OUTPUT_HELD_MAX_BYTES;
    return held < most ? (size_t)(most - held) : 0;
}

static uint64_t least(uint64_t one, uint64_t other) { return one < other ? one : other; }

static size_t emit_mail(struct outlet *outlet, const struct frame_parser *parser, uint8_t *out, size_t room) {
    uint64_t stop = least(outlet->ring.head, outlet->limit);
    uint64_t need = outlet->next == outlet->ring.base ? MAIL_MIN_BYTES : NEXT_MAIL_MIN_BYTES;
    if (!outlet->is_mailed || stop < outlet->next + need || room < LETTER_BYTES) return 0;
    size_t count = (size_t)least(stop - outlet->next, mailbox_most(outlet->next));
    int64_t place = mailbox_post(outlet, &outlet->ring, outlet->next, count);
    if (place < 0) return 0;
    uint8_t *at = frame_put_header(out, TYPE_MAIL, outlet->stream, MAIL_PAYLOAD_BYTES);
    *at++ = outlet->channel;
    at = put_u64(put_u64(at, outlet->next), (uint64_t)place);
    at = frame_put_tag(put_u32(at, (uint32_t)count), parser);
    outlet->next += count;
    if (outlet->next > outlet->sent) outlet->sent = outlet->next;
    return (size_t)(at - out);
}

static size_t emit_data(struct outlet *outlet, const struct frame_parser *parser, uint8_t *out, size_t room) {
    uint64_t stop = least(outlet->ring.head, outlet->limit);
    if (outlet->is_mailed) stop = least(stop, outlet->ring.base + OUTPUT_HELD_MAX_BYTES);
    if (!outlet->is_open || outlet->next >= stop || room < OVERHEAD_BYTES + TURN_MAX_BYTES) return 0;
    size_t count = (size_t)least(stop - outlet->next, TURN_MAX_BYTES);
    uint8_t *at = frame_put_header(out, TYPE_DATA, outlet->stream, (uint32_t)(DATA_HEADER_BYTES + count));
    *at++ = outlet->channel;
    at = put_u64(at, outlet->next);
    ring_copy(&outlet->ring, outlet->next, at, count);
    at = frame_put_tag(at + count, parser);
    outlet->next += count;
    if (outlet->next > outlet->sent) outlet->sent = outlet->next;
    return (size_t)(at - out);
}

static size_t emit_eof(struct outlet *outlet, const struct frame_parser *parser, uint8_t *out, size_t room) {
    if (!outlet->is_open || outlet->sent_eof || !outlet->has_end) return 0;
    if (outlet->next != outlet->end || outlet->end > outlet->limit) return 0;
    if (room < OVERHEAD_BYTES) return 0;
    uint8_t *at = frame_put_header(out, TYPE_EOF, outlet->stream, DATA_HEADER_BYTES);
    *at++ = outlet->channel;
    at = frame_put_tag(put_u64(at, outlet->end), parser);
    outlet->sent_eof = true;
    return (size_t)(at - out);
}

// An outlet that had its turn goes to the back of the list.
size_t outlet_emit_turns(const struct frame_parser *parser, uint8_t *out, size_t room) {
    size_t total = 0;
    struct outlet *served = NULL, **served_end = &served;
    for (struct outlet **link = &outlets; *link;) {
        struct outlet *outlet = *link;
        size_t made = emit_mail(outlet, parser, out + total, room - total);
        if (!made) made = emit_data(outlet, parser, out + total, room - total);
        made += emit_eof(outlet, parser, out + total + made, room - total - made);
        total += made;
        if (made) {
            *link = outlet->following;
            *served_end = outlet;
            served_end = &outlet->following;
        } else {
            link = &outlet->following;
        }
    }
    *served_end = NULL;
    struct outlet **last = &outlets;
    while (*last) last = &(*last)->following;
    *last = served;
    return total;
}
