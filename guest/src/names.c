#include "names.h"

#include <stdio.h>
#include <string.h>

#include "base64.h"

bool names_read(struct json object, const char *field, char out[PATH_MAX]) {
    struct json value;
    if (json_field(object, field, &value)) return json_text(value, out, PATH_MAX) > 0;
    char encoded_field[32], text[PATH_MAX / 3 * 4 + 8];
    snprintf(encoded_field, sizeof encoded_field, "%s_base64", field);
    ssize_t length = json_field(object, encoded_field, &value) ? json_text(value, text, sizeof text) : -1;
    if (length >= 0) length = base64_decode(text, (size_t)length, out, PATH_MAX - 1);
    if (length <= 0 || memchr(out, '\0', (size_t)length)) return false;
    out[length] = '\0';
    return true;
}
