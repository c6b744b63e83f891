// Base64 of RFC 4648 with padding.
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>
#include <sys/types.h>

// Characters that `length` bytes become.
size_t base64_size(size_t length);
size_t base64_encode(const void *bytes, size_t length, char *out);

// -1 when the text is not base64 or holds more than `size` bytes.
ssize_t base64_decode(const char *text, size_t length, void *out, size_t size);

#endif
