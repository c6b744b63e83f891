#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_size(size_t length) { return (length + 2) / 3 * 4; }

size_t base64_encode(const void *bytes, size_t length, char *out) {
    const uint8_t *in = bytes;
    char *at = out;
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        if (have > 1) group |= (uint32_t)in[i + 1] << 8;
        if (have > 2) group |= in[i + 2];
        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = have > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = have > 2 ? alphabet[group & 63] : '=';
    }
    return (size_t)(at - out);
}

ssize_t base64_decode(const char *text, size_t length, void *out, size_t size) {
    if (length % 4) return -1;
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=') padding++;
    size_t total = length / 4 * 3 - padding, made = 0;
    if (total > size) return -1;
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (i >= length - padding) digit = alphabet;
        if (!digit) return -1;
        group = group << 6 | (uint32_t)(digit - alphabet);
        if (i % 4 != 3) continue;
        for (int shift = 16; shift >= 0 && made < total; shift -= 8) ((uint8_t *)out)[made++] = (uint8_t)(group >> shift);
        group = 0;
    }
    return (ssize_t)total;
}
