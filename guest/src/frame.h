// Frames and the sync record: bytes in, events out. Pure; it has no buffer.
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

struct frame {
    uint32_t stream;
    uint32_t length;
    uint8_t type;
    const uint8_t *payload;
};

struct frame_parser {
    bool in_session;
    uint8_t nonce[NONCE_BYTES];
};

enum frame_event {
    FRAME_MORE,   // incomplete; keep the unused bytes and call again with more
    FRAME_READY,  // one frame of this session, its payload pointing into the bytes given
    FRAME_SYNC,   // a sync record; parser->nonce is the new session's
    FRAME_BROKEN, // the session has ended; the parser hunts
};

// Parses the first `count` bytes and returns how many of them were used.
enum frame_event frame_parse(struct frame_parser *parser, const uint8_t *bytes, size_t count, size_t *used,
                             struct frame *frame);

// Writes a frame's header without its payload; both return the position of the next byte.
uint8_t *frame_put_header(uint8_t *at, uint8_t type, uint32_t stream, uint32_t length);
uint8_t *frame_put_tag(uint8_t *at, const struct frame_parser *parser);

uint8_t *put_u32(uint8_t *at, uint32_t value);
uint8_t *put_u64(uint8_t *at, uint64_t value);
uint32_t read_u32(const uint8_t *at);
uint64_t read_u64(const uint8_t *at);

#endif
