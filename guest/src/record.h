// The records of stage and get: `u32 length`, a JSON header, then `size` bytes. The parser is pure.
#ifndef RECORD_H
#define RECORD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pieces.h"
#include "protocol.h"

enum record_type {
    RECORD_FILE,
    RECORD_DIRECTORY,
    RECORD_SYMLINK,
    RECORD_HARDLINK,
    RECORD_ABSENT,
    RECORD_ABSENT_DIRECTORY,
};
enum { RECORD_TYPES = RECORD_ABSENT_DIRECTORY + 1, STAMP_MAX_BYTES = 200 };

struct record {
    enum record_type type;
    mode_t mode; // permission bits only
    int64_t mtime_s, mtime_ns;
    int64_t size;
    char path[PATH_MAX];
    char target[PATH_MAX];
    char stamp[STAMP_MAX_BYTES]; // only of files that are sent; empty for a file without a stamp
    const struct pieces *pieces; // only of sparse files that are sent without their holes
};

struct record_parser {
    struct record record;
    size_t have; // received bytes of length and header
    int64_t left; // bytes of content still to come
    bool in_content;
    uint8_t header[4 + RECORD_HEADER_MAX_BYTES];
};

enum record_event {
    RECORD_MORE,    // all bytes are used up
    RECORD_BEGINS,  // parser->record is complete
    RECORD_CONTENT, // `used` bytes at the given place are content
    RECORD_ENDS,    // its last byte has passed
    RECORD_BAD,
};

enum record_event record_parse(struct record_parser *parser, const uint8_t *bytes, size_t count, size_t *used);

// True when no record is half read, so the stream may end here.
bool record_is_between(const struct record_parser *parser);

// Writes length and header; `out` holds 4 + RECORD_HEADER_MAX_BYTES. Returns the bytes written.
size_t record_render(const struct record *record, uint8_t *out);

#endif
