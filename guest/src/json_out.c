#include "json_out.h"

#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "utf8.h"

static void add(struct json_out *out, const char *bytes, size_t length) {
    if (length > out->size - out->length) {
        out->is_full = true;
        return;
    }
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
}

static void add_word(struct json_out *out, const char *word) { add(out, word, strlen(word)); }

static void add_comma(struct json_out *out) {
    char last = out->length ? out->text[out->length - 1] : '{';
    if (last != '{' && last != '[') add(out, ",", 1);
}

static bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

// How many of the next bytes are ASCII that needs no escape.
static size_t count_plain(const char *text, const char *end) {
    const char *at = text;
    while (at < end && is_plain(*at)) at++;
    return (size_t)(at - text);
}

static void add_quoted(struct json_out *out, const char *text, size_t length) {
    add(out, "\"", 1);
    for (const char *end = text + length; text < end;) {
        size_t plain = count_plain(text, end);
        add(out, text, plain);
        text += plain;
        if (text == end) break;
        unsigned char c = (unsigned char)*text;
        size_t step = utf8_sequence(text, end);
        if (c == '"' || c == '\\') {
            char escape[2] = {'\\', (char)c};
            add(out, escape, 2);
        } else if (c < 0x20) {
            char escape[7];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            add(out, escape, 6);
        } else if (step) {
            add(out, text, step);
        } else {
            add(out, "\xef\xbf\xbd", 3);
        }
        text += step ? step : 1;
    }
    add(out, "\"", 1);
}

static void add_name(struct json_out *out, const char *name) {
    add_comma(out);
    if (!name) return;
    add_quoted(out, name, strlen(name));
    add(out, ":", 1);
}

struct json_out json_out_begin(char *text, size_t size) {
    struct json_out out = {.text = text, .size = size};
    add(&out, "{", 1);
    return out;
}

void json_out_end(struct json_out *out) { add(out, "}", 1); }

void json_out_text(struct json_out *out, const char *name, const char *value) {
    add_name(out, name);
    add_quoted(out, value, strlen(value));
}

void json_out_integer(struct json_out *out, const char *name, int64_t value) {
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) *--at = '-';
    add_name(out, name);
    add(out, at, (size_t)(digits + sizeof digits - at));
}

void json_out_bool(struct json_out *out, const char *name, bool value) {
    add_name(out, name);
    add_word(out, value ? "true" : "false");
}

void json_out_open(struct json_out *out, const char *name, char bracket) {
    add_name(out, name);
    add(out, &bracket, 1);
}

void json_out_close(struct json_out *out, char bracket) { add(out, &bracket, 1); }

void json_out_item(struct json_out *out, int64_t value) { json_out_integer(out, NULL, value); }

void json_out_bytes(struct json_out *out, const char *name, const char *value, size_t length, bool force) {
    if (!force && utf8_is_valid(value, length)) {
        add_name(out, name);
        add_quoted(out, value, length);
        return;
    }
    char long_name[32];
    snprintf(long_name, sizeof long_name, "%s_base64", name);
    add_name(out, long_name);
    add(out, "\"", 1);
    if (out->size - out->length >= base64_size(length))
        out->length += base64_encode(value, length, out->text + out->length);
    else
        out->is_full = true;
    add(out, "\"", 1);
}
