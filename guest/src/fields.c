#include "fields.h"

#include <stdio.h>

#include "names.h"
#include "reply.h"

static bool refuse(uint32_t stream, const char *name, const char *rule) {
    char message[96];
    snprintf(message, sizeof message, "`%s` must be %s", name, rule);
    reply_error(stream, "BAD_REQUEST", 0, NULL, message);
    return false;
}

bool fields_path(uint32_t stream, struct json request, const char *name, char out[PATH_MAX]) {
    return (names_read(request, name, out) && out[0] == '/') || refuse(stream, name, "an absolute path");
}

bool fields_bool(uint32_t stream, struct json request, const char *name, bool *out) {
    struct json value;
    return !json_field(request, name, &value) || json_bool(value, out) || refuse(stream, name, "true or false");
}

bool fields_integer(uint32_t stream, struct json request, const char *name, int64_t max, int64_t *out) {
    struct json value;
    return !json_field(request, name, &value) || json_integer(value, 0, max, out) || refuse(stream, name, "a number within its limits");
}
