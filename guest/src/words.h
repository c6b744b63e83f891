// Bytes looked at eight at a time: the C library's own loops take one, which an emulated CPU feels.
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool words_are_equal(const uint8_t *left, const uint8_t *right, size_t size);
bool words_are_zero(const uint8_t *bytes, size_t size);

#endif
