#include "sha256.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void sha256_begin(struct sha256 *sha) {
    *sha = (struct sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static inline uint32_t rotate(uint32_t word, int by) { return word >> by | word << (32 - by); }

static inline uint32_t read_word(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return __builtin_bswap32(word);
}

// Hashing takes most of a manifest's time: this one function is compiled for speed.
__attribute__((optimize("O3", "unroll-loops"))) static void compress(uint32_t state[8], const uint8_t *block, size_t count) {
    for (; count > 0; count--, block += SHA256_BLOCK_BYTES) {
        uint32_t words[64];
        for (int i = 0; i < 16; i++) words[i] = read_word(block + 4 * i);
        for (int i = 16; i < 64; i++) {
            uint32_t w15 = words[i - 15], w2 = words[i - 2];
            uint32_t s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >> 3, s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >> 10;
            words[i] = words[i - 16] + s0 + words[i - 7] + s1;
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
        for (int i = 0; i < 64; i++) {
            uint32_t one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + constants[i] + words[i];
            uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
            h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    size_t have = sha->size % SHA256_BLOCK_BYTES;
    sha->size += size;
    if (have > 0) {
        size_t step = SHA256_BLOCK_BYTES - have < size ? SHA256_BLOCK_BYTES - have : size;
        memcpy(sha->block + have, at, step);
        if (have + step < SHA256_BLOCK_BYTES) return;
        compress(sha->state, sha->block, 1);
        at += step;
        size -= step;
    }
    compress(sha->state, at, size / SHA256_BLOCK_BYTES);
    memcpy(sha->block, at + size / SHA256_BLOCK_BYTES * SHA256_BLOCK_BYTES, size % SHA256_BLOCK_BYTES);
}

void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_BYTES]) {
    uint8_t end[2 * SHA256_BLOCK_BYTES] = {0x80};
    size_t have = sha->size % SHA256_BLOCK_BYTES;
    size_t padding = (have < SHA256_BLOCK_BYTES - 8 ? SHA256_BLOCK_BYTES : 2 * SHA256_BLOCK_BYTES) - have;
    uint64_t bits = __builtin_bswap64(sha->size * 8);
    memcpy(end + padding - sizeof bits, &bits, sizeof bits);
    sha256_add(sha, end, padding);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(sha->state[i]);
        memcpy(digest + 4 * i, &word, sizeof word);
    }
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[2 * SHA256_BYTES + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * SHA256_BYTES] = '\0';
}

static int read_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool sha256_parse(const char *text, uint8_t digest[SHA256_BYTES]) {
    for (int i = 0; i < SHA256_BYTES; i++) {
        int high = read_digit(text[2 * i]), low = high < 0 ? -1 : read_digit(text[2 * i + 1]);
        if (low < 0) return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * SHA256_BYTES] == '\0';
}
