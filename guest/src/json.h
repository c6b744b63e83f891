// Reading JSON without allocating: one check of the whole text, then spans into it.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One value of a text that json_parse has accepted.
struct json {
    const char *at;
    const char *end;
};

// Accepts exactly one object in UTF-8, nested at most JSON_DEPTH_MAX deep.
bool json_parse(const char *text, size_t length, struct json *object);

// The first field of that name.
bool json_field(struct json object, const char *name, struct json *value);

bool json_is_object(struct json value);
bool json_is_array(struct json value);
bool json_bool(struct json value, bool *out);
bool json_integer(struct json value, int64_t min, int64_t max, int64_t *out);

// Decodes a string and ends it with NUL. -1: not a string, longer than `size` - 1, or it contains a NUL.
ssize_t json_text(struct json value, char *out, size_t size);

// Walks an array or object; begin with *at = NULL. For an array `name` does not change.
bool json_next(struct json container, const char **at, struct json *name, struct json *value);

#endif
