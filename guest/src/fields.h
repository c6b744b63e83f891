// Fields of a request. An invalid field is answered with BAD_REQUEST.
#ifndef FIELDS_H
#define FIELDS_H

#include <limits.h>
#include <stdint.h>

#include "json.h"

// An absolute path.
bool fields_path(uint32_t stream, struct json request, const char *name, char out[PATH_MAX]);

// A missing field keeps its value.
bool fields_bool(uint32_t stream, struct json request, const char *name, bool *out);
bool fields_integer(uint32_t stream, struct json request, const char *name, int64_t max, int64_t *out);

#endif
