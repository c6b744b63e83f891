// Responses: the one answer that every request gets.
#ifndef REPLY_H
#define REPLY_H

#include <stdint.h>

#include "json_out.h"

// A success: add fields to the returned object, then send it.
struct json_out *reply_begin(void);
void reply_send(uint32_t stream);
void reply_empty(uint32_t stream);

// A failure. `error` is an errno or 0, `path` may be NULL.
void reply_error(uint32_t stream, const char *code, int error, const char *path, const char *message);

#endif
