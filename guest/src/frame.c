#include "frame.h"

#include <string.h>

uint8_t *put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

uint8_t *put_u64(uint8_t *at, uint64_t value) {
    return put_u32(put_u32(at, (uint32_t)value), (uint32_t)(value >> 32));
}

uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t read_u64(const uint8_t *at) { return read_u32(at) | (uint64_t)read_u32(at + 4) << 32; }

uint8_t *frame_put_header(uint8_t *at, uint8_t type, uint32_t stream, uint32_t length) {
    at = put_u32(put_u32(at, length), stream);
    *at++ = type;
    memset(at, 0, 3);
    return at + 3;
}

uint8_t *frame_put_tag(uint8_t *at, const struct frame_parser *parser) {
    memcpy(at, parser->nonce, FRAME_TAG_BYTES);
    return at + FRAME_TAG_BYTES;
}

// The magic's first byte occurs nowhere else in it, so a mismatch never hides a later start.
static enum frame_event hunt(struct frame_parser *parser, const uint8_t *bytes, size_t count, size_t *used) {
    size_t at = 0;
    while (at < count) {
        const uint8_t *start = memchr(bytes + at, SYNC_MAGIC[0] & 0xff, count - at);
        if (!start) break;
        at = (size_t)(start - bytes);
        size_t have = count - at;
        if (memcmp(start, SYNC_MAGIC, have < MAGIC_BYTES ? have : MAGIC_BYTES) != 0) {
            at++;
            continue;
        }
        *used = at;
        if (have < MAGIC_BYTES + NONCE_BYTES) return FRAME_MORE;
        *used = at + MAGIC_BYTES + NONCE_BYTES;
        memcpy(parser->nonce, start + MAGIC_BYTES, NONCE_BYTES);
        if (read_u32(parser->nonce) == 0) {
            at = *used;
            continue;
        }
        parser->in_session = true;
        return FRAME_SYNC;
    }
    *used = count;
    return FRAME_MORE;
}

static bool is_sound_header(const uint8_t *header) {
    if (read_u32(header) > PAYLOAD_MAX_BYTES) return false;
    uint8_t type = header[8];
    bool is_content = type == TYPE_DATA || type == TYPE_EOF || type == TYPE_MAIL || type == TYPE_ZEROS;
    bool from_host = type == TYPE_REQUEST || type == TYPE_WINDOW || is_content;
    return from_host && read_u32(header + 4) != 0 && !header[9] && !header[10] && !header[11];
}

enum frame_event frame_parse(struct frame_parser *parser, const uint8_t *bytes, size_t count, size_t *used,
                             struct frame *frame) {
    *used = 0;
    if (!parser->in_session) return hunt(parser, bytes, count, used);
    if (count < FRAME_HEADER_BYTES) return FRAME_MORE;
    if (!is_sound_header(bytes)) {
        // Skips one byte only, since the next session's magic may begin within this header.
        *used = 1;
        parser->in_session = false;
        return FRAME_BROKEN;
    }
    uint32_t length = read_u32(bytes);
    size_t whole = FRAME_HEADER_BYTES + (size_t)length + FRAME_TAG_BYTES;
    if (count < whole) return FRAME_MORE;
    *used = whole;
    if (memcmp(bytes + FRAME_HEADER_BYTES + length, parser->nonce, FRAME_TAG_BYTES) != 0) {
        parser->in_session = false;
        return FRAME_BROKEN;
    }
    *frame = (struct frame){
        .stream = read_u32(bytes + 4), .length = length, .type = bytes[8], .payload = bytes + FRAME_HEADER_BYTES};
    return FRAME_READY;
}
