// Well-formed UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF.
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

// Bytes of the sequence at `at`, 0 when it is malformed.
size_t utf8_sequence(const char *at, const char *end);
bool utf8_is_valid(const char *text, size_t length);

#endif
