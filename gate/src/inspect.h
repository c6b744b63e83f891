// Checks the first bytes of a connection when only named hosts are allowed: TLS and HTTP name the server there.
#ifndef INSPECT_H
#define INSPECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "names.h"

struct inspection {
    enum { INSPECT_FIRST, INSPECT_HTTP, INSPECT_DONE } state;
    enum { HTTP_HEAD, HTTP_BODY, HTTP_CHUNK, HTTP_CHUNK_DATA, HTTP_CHUNK_END, HTTP_TRAILER } http;
    size_t seen;   // of a head that is not complete yet
    uint64_t left; // of a body or a chunk
    char name[NAME_BYTES];
};

// How many of the bytes may be passed on now; 0 when more bytes are needed, -1 when they are refused. The next call starts with
// the bytes that were not passed on.
ssize_t inspect(struct inspection *inspection, const uint8_t *bytes, size_t count);

// The server name in a TLS client hello. 1 when it has one, 0 when more bytes are needed, -1 when it has none.
int hello_read_name(const uint8_t *bytes, size_t count, char name[NAME_BYTES]);

// The same for the head of an HTTP request; the kind of its body goes into `inspection`. Returns the head's length.
ssize_t http_read_head(struct inspection *inspection, const uint8_t *bytes, size_t count);
ssize_t http_read_rest(struct inspection *inspection, const uint8_t *bytes, size_t count);

#endif
