// Writes one JSON object into a buffer of fixed size; sets `is_full` when it does not fit.
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_out {
    char *text;
    size_t size;
    size_t length;
    bool is_full;
};

struct json_out json_out_begin(char *text, size_t size);
void json_out_end(struct json_out *out);

// Field by field; bytes that are not UTF-8 become U+FFFD.
void json_out_text(struct json_out *out, const char *name, const char *value);
void json_out_integer(struct json_out *out, const char *name, int64_t value);
void json_out_bool(struct json_out *out, const char *name, bool value);
void json_out_open(struct json_out *out, const char *name, char bracket);
void json_out_close(struct json_out *out, char bracket);
void json_out_item(struct json_out *out, int64_t value);

// The bytes as text, or as `<name>_base64` when they are not UTF-8 or `force` is set.
void json_out_bytes(struct json_out *out, const char *name, const char *value, size_t length, bool force);

#endif
