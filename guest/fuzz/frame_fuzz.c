// The frame parser: the result does not depend on how the bytes are cut, it reads only the given bytes, and it always makes progress.
#include <stdlib.h>
#include <string.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

struct trace {
    uint64_t digest;
    size_t events;
};

static void note(struct trace *trace, const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) trace->digest = (trace->digest ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

// Feeds the bytes in pieces of `step`, as a reader with a buffer of two frames would.
static struct trace run(const uint8_t *data, size_t size, size_t step) {
    static uint8_t buffer[2 * FRAME_MAX_BYTES];
    struct frame_parser parser = {.in_session = true, .nonce = {1, 2, 3, 4}};
    struct trace trace = {0, 0};
    size_t held = 0;
    while (size > 0) {
        size_t count = step < size ? step : size;
        if (count > sizeof buffer - held) count = sizeof buffer - held;
        require(count > 0);
        memcpy(buffer + held, data, count);
        data += count, size -= count, held += count;
        for (;;) {
            size_t used;
            struct frame frame;
            uint8_t *exact = malloc(held ? held : 1); // so that the sanitizer sees one byte too many
            memcpy(exact, buffer, held);
            enum frame_event event = frame_parse(&parser, exact, held, &used, &frame);
            require(used <= held && (event == FRAME_MORE || used > 0));
            if (event != FRAME_MORE) {
                trace.events++;
                note(&trace, &event, sizeof event);
            }
            if (event == FRAME_READY) {
                require(frame.length <= PAYLOAD_MAX_BYTES && frame.stream != 0);
                note(&trace, frame.payload, frame.length);
            }
            if (event == FRAME_SYNC) note(&trace, parser.nonce, sizeof parser.nonce);
            free(exact);
            memmove(buffer, buffer + used, held - used);
            held -= used;
            if (event == FRAME_MORE) break;
        }
        require(held < FRAME_MAX_BYTES);
    }
    return trace;
}

// After any bytes, a sync record is recognised.
static void require_sync(const uint8_t *data, size_t size) {
    static uint8_t all[70000 + FRAME_MAX_BYTES + MAGIC_BYTES + NONCE_BYTES];
    if (size > 70000) return;
    memcpy(all, data, size);
    memset(all + size, 0, FRAME_MAX_BYTES);
    memcpy(all + size + FRAME_MAX_BYTES, SYNC_MAGIC, MAGIC_BYTES);
    memset(all + size + FRAME_MAX_BYTES + MAGIC_BYTES, 7, NONCE_BYTES);
    struct frame_parser parser = {.in_session = true, .nonce = {1, 2, 3, 4}};
    size_t at = 0, total = size + FRAME_MAX_BYTES + MAGIC_BYTES + NONCE_BYTES;
    enum frame_event event = FRAME_MORE;
    do {
        size_t used;
        struct frame frame;
        event = frame_parse(&parser, all + at, total - at, &used, &frame);
        at += used;
    } while (event != FRAME_MORE);
    require(parser.in_session && parser.nonce[0] == 7 && at == total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096) return 0;
    struct trace whole = run(data, size, size ? size : 1);
    struct trace pieces = run(data, size, size > 512 ? 61 : 1);
    require(whole.digest == pieces.digest && whole.events == pieces.events);
    require_sync(data, size);
    return 0;
}
