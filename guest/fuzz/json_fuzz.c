// The JSON reader: what it accepts can be walked to the last value, and texts survive being written and read again.
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_out.h"
#include "protocol.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static void check_text(struct json value) {
    static char text[PAYLOAD_MAX_BYTES + 1], again[6 * PAYLOAD_MAX_BYTES + 64], back[PAYLOAD_MAX_BYTES + 1];
    char tiny[4];
    ssize_t length = json_text(value, text, sizeof text);
    json_text(value, tiny, sizeof tiny);
    if (length < 0) return;
    require(strlen(text) == (size_t)length && utf8_is_valid(text, (size_t)length));
    struct json_out out = json_out_begin(again, sizeof again);
    json_out_text(&out, "t", text);
    json_out_end(&out);
    struct json object, field = {NULL, NULL};
    require(!out.is_full && json_parse(again, out.length, &object) && json_field(object, "t", &field));
    require(json_text(field, back, sizeof back) == length && memcmp(text, back, (size_t)length) == 0);
}

static void walk(struct json value, int depth) {
    require(depth <= JSON_DEPTH_MAX && value.at < value.end);
    int64_t number;
    bool flag;
    json_integer(value, INT64_MIN, INT64_MAX, &number);
    json_bool(value, &flag);
    check_text(value);
    if (!json_is_object(value) && !json_is_array(value)) return;
    struct json name = {NULL, NULL}, item;
    for (const char *at = NULL; json_next(value, &at, &name, &item);) {
        if (json_is_object(value)) check_text(name);
        walk(item, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > PAYLOAD_MAX_BYTES) return 0;
    char *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    struct json object, value;
    if (json_parse(exact, size, &object)) {
        walk(object, 0);
        json_field(object, "op", &value);
    }
    free(exact);
    return 0;
}
