// The record parser: the same events however the bytes are cut, names without NUL, and each record that it reads can be written again.
#include <stdlib.h>
#include <string.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static uint64_t mix(uint64_t digest, const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) digest = (digest ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return digest;
}

static void check_round_trip(const struct record *record) {
    static uint8_t text[4 + RECORD_HEADER_MAX_BYTES];
    static struct record_parser again;
    size_t used, length = record_render(record, text);
    memset(&again, 0, sizeof again);
    require(length <= sizeof text && record_parse(&again, text, length, &used) == RECORD_BEGINS && used == length);
    require(strcmp(again.record.path, record->path) == 0 && again.record.type == record->type);
    require(again.record.mode == record->mode && again.record.size == record->size);
    require(again.record.mtime_s == record->mtime_s && again.record.mtime_ns == record->mtime_ns);
    require(strcmp(again.record.target, record->target) == 0);
}

static uint64_t run(const uint8_t *data, size_t size, size_t step) {
    static struct record_parser parser;
    uint64_t digest = 0;
    memset(&parser, 0, sizeof parser);
    for (size_t at = 0; at < size;) {
        size_t count = step < size - at ? step : size - at;
        uint8_t *exact = malloc(count);
        memcpy(exact, data + at, count);
        for (size_t from = 0;;) {
            size_t used;
            enum record_event event = record_parse(&parser, exact + from, count - from, &used);
            require(used <= count - from);
            if (event == RECORD_MORE) require(from + used == count);
            if (event == RECORD_BEGINS) check_round_trip(&parser.record);
            if (event == RECORD_CONTENT) digest = mix(digest, exact + from, used);
            if (event != RECORD_MORE && event != RECORD_CONTENT) digest = mix(digest, &event, sizeof event);
            from += used;
            if (event == RECORD_BAD) {
                free(exact);
                return digest;
            }
            if (event == RECORD_MORE) break;
        }
        free(exact);
        at += count;
    }
    return mix(digest, &(bool){record_is_between(&parser)}, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 40000) return 0;
    require(run(data, size, size ? size : 1) == run(data, size, size > 2048 ? 127 : 1));
    return 0;
}
