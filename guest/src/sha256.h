// SHA-256 of FIPS 180-4.
#ifndef SHA256_H
#define SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[SHA256_BLOCK_BYTES]; // its first `size % 64` bytes wait
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t size);
void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_BYTES]);

// 64 digits in lower case, and a NUL.
void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[2 * SHA256_BYTES + 1]);

// False unless the text is 64 hex digits in lower case.
bool sha256_parse(const char *text, uint8_t digest[SHA256_BYTES]);

#endif
