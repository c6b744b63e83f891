#include "outlet.h"

#include <string.h>

static struct outlet *outlets;

enum { OVERHEAD_BYTES = FRAME_HEADER_BYTES + DATA_HEADER_BYTES + FRAME_TAG_BYTES };

void outlet_add(struct outlet *outlet, uint32_t stream, uint8_t channel) {
    *outlet = (struct outlet){.stream = stream, .channel = channel, .following = outlets};
    outlets = outlet;
}

void outlet_remove(struct outlet *outlet) {
    struct outlet **link = &outlets;
    while (*link && *link != outlet) link = &(*link)->following;
    if (*link) *link = outlet->following;
    ring_free(&outlet->ring);
}

void outlet_end(struct outlet *outlet, uint64_t end) {
    outlet->has_end = true;
    outlet->end = end;
}

void outlet_close(struct outlet *outlet) {
    outlet->is_open = outlet->sent_eof = false;
    outlet->limit = outlet->next = outlet->ring.base;
}

bool outlet_window(struct outlet *outlet, uint64_t acked, uint64_t limit) {
    if (acked < outlet->ring.base || acked > outlet->sent || limit < acked) return false;
    if (!outlet->is_open || acked > outlet->next) outlet->next = acked;
    outlet->is_open = true;
    outlet->limit = limit;
    ring_drop(&outlet->ring, acked);
    return true;
}

static size_t emit_data(struct outlet *outlet, const struct frame_parser *parser, uint8_t *out, size_t room) {
    uint64_t stop = outlet->ring.head < outlet->limit ? outlet->ring.head : outlet->limit;
    if (!outlet->is_open || outlet->next >= stop || room < OVERHEAD_BYTES + TURN_MAX_BYTES) return 0;
    size_t count = stop - outlet->next < TURN_MAX_BYTES ? (size_t)(stop - outlet->next) : TURN_MAX_BYTES;
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
        size_t made = emit_data(outlet, parser, out + total, room - total);
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
