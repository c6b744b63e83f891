// Looks at eight bytes at a time. The C library's loops take one byte, which is slow on an emulated CPU.
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool words_are_equal(const uint8_t *left, const uint8_t *right, size_t size);
bool words_are_zero(const uint8_t *bytes, size_t size);

#endif
