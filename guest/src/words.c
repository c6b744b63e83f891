#include "words.h"

#include <string.h>

enum { STEP_BYTES = 32 };

static uint64_t word(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

bool words_are_equal(const uint8_t *left, const uint8_t *right, size_t size) {
    size_t at = 0;
    for (; at + STEP_BYTES <= size; at += STEP_BYTES) {
        const uint8_t *a = left + at, *b = right + at;
        uint64_t differs = (word(a) ^ word(b)) | (word(a + 8) ^ word(b + 8)) | (word(a + 16) ^ word(b + 16)) |
                           (word(a + 24) ^ word(b + 24));
        if (differs) return false;
    }
    return memcmp(left + at, right + at, size - at) == 0;
}

bool words_are_zero(const uint8_t *bytes, size_t size) {
    size_t at = 0;
    for (; at + STEP_BYTES <= size; at += STEP_BYTES) {
        const uint8_t *a = bytes + at;
        if (word(a) | word(a + 8) | word(a + 16) | word(a + 24)) return false;
    }
    for (; at < size; at++)
        if (bytes[at]) return false;
    return true;
}
