#include "json.h"

#include <string.h>

#include "protocol.h"
#include "utf8.h"

static const char *skip_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static long read_hex4(const char *p, const char *end) {
    if (end - p < 4) return -1;
    long code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

// Reads one character of a string, escaped or not; *code is -1 when it is not escaped.
static const char *next_character(const char *p, const char *end, long *code) {
    *code = -1;
    if ((unsigned char)*p < 0x20) return NULL;
    if (*p != '\\') {
        size_t step = utf8_sequence(p, end);
        return step ? p + step : NULL;
    }
    if (end - p < 2) return NULL;
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *known = p[1] ? strchr(escapes, p[1]) : NULL;
    if (known) {
        *code = meanings[known - escapes];
        return p + 2;
    }
    if (p[1] != 'u' || (*code = read_hex4(p + 2, end)) < 0) return NULL;
    p += 6;
    if (*code < 0xd800 || *code > 0xdfff) return p;
    if (*code > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u') return NULL;
    long low = read_hex4(p + 2, end);
    if (low < 0xdc00 || low > 0xdfff) return NULL;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return p + 6;
}

static const char *skip_string(const char *p, const char *end) {
    if (p == end || *p++ != '"') return NULL;
    while (p && p < end && *p != '"') {
        long code;
        p = next_character(p, end, &code);
    }
    return p && p < end ? p + 1 : NULL;
}

static const char *skip_digits(const char *p, const char *end) {
    const char *start = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p > start ? p : NULL;
}

static const char *skip_number(const char *p, const char *end) {
    if (p < end && *p == '-') p++;
    if (p < end && *p == '0')
        p++;
    else if (!(p = skip_digits(p, end)))
        return NULL;
    if (p < end && *p == '.' && !(p = skip_digits(p + 1, end))) return NULL;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        p = skip_digits(p, end);
    }
    return p;
}

static const char *skip_value(const char *p, const char *end, int depth);

static const char *skip_container(const char *p, const char *end, int depth) {
    bool is_object = *p == '{';
    char close = is_object ? '}' : ']';
    if (depth >= JSON_DEPTH_MAX) return NULL;
    p = skip_space(p + 1, end);
    if (p < end && *p == close) return p + 1;
    for (;;) {
        if (is_object) {
            if (!(p = skip_string(p, end))) return NULL;
            p = skip_space(p, end);
            if (p == end || *p++ != ':') return NULL;
            p = skip_space(p, end);
        }
        if (!(p = skip_value(p, end, depth + 1))) return NULL;
        p = skip_space(p, end);
        if (p == end) return NULL;
        if (*p == close) return p + 1;
        if (*p++ != ',') return NULL;
        p = skip_space(p, end);
    }
}

static const char *skip_word(const char *p, const char *end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - p) >= length && memcmp(p, word, length) == 0 ? p + length : NULL;
}

static const char *skip_value(const char *p, const char *end, int depth) {
    if (p == end) return NULL;
    switch (*p) {
    case '{':
    case '[': return skip_container(p, end, depth);
    case '"': return skip_string(p, end);
    case 't': return skip_word(p, end, "true");
    case 'f': return skip_word(p, end, "false");
    case 'n': return skip_word(p, end, "null");
    default: return skip_number(p, end);
    }
}

bool json_parse(const char *text, size_t length, struct json *object) {
    const char *end = text + length;
    const char *start = skip_space(text, end);
    if (start == end || *start != '{') return false;
    const char *stop = skip_value(start, end, 0);
    if (!stop || skip_space(stop, end) != end) return false;
    *object = (struct json){start, stop};
    return true;
}

bool json_next(struct json container, const char **at, struct json *name, struct json *value) {
    const char *p = skip_space(*at ? *at : container.at + 1, container.end);
    if (*at && *p == ',') p = skip_space(p + 1, container.end);
    if (*p == '}' || *p == ']') return false;
    if (*container.at == '{') {
        *name = (struct json){p, skip_string(p, container.end)};
        p = skip_space(skip_space(name->end, container.end) + 1, container.end);
    }
    *value = (struct json){p, skip_value(p, container.end, 0)};
    *at = value->end;
    return true;
}

bool json_field(struct json object, const char *name, struct json *value) {
    const char *at = NULL;
    struct json key;
    char text[32];
    while (json_next(object, &at, &key, value))
        if (json_text(key, text, sizeof text) >= 0 && strcmp(text, name) == 0) return true;
    return false;
}

bool json_is_object(struct json value) { return *value.at == '{'; }
bool json_is_array(struct json value) { return *value.at == '['; }

bool json_bool(struct json value, bool *out) {
    *out = *value.at == 't';
    return *value.at == 't' || *value.at == 'f';
}

bool json_integer(struct json value, int64_t min, int64_t max, int64_t *out) {
    const char *p = value.at;
    bool negative = *p == '-';
    if (negative) p++;
    int64_t number = 0;
    for (; p < value.end; p++) {
        if (*p < '0' || *p > '9') return false;
        int digit = *p - '0';
        if (__builtin_mul_overflow(number, 10, &number)) return false;
        if (__builtin_add_overflow(number, negative ? -digit : digit, &number)) return false;
    }
    *out = number;
    return number >= min && number <= max;
}

static size_t encode_utf8(long code, char *out) {
    if (code < 0x80) return out[0] = (char)code, 1;
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(leads[length] | code);
    return length;
}

ssize_t json_text(struct json value, char *out, size_t size) {
    if (*value.at != '"') return -1;
    size_t length = 0;
    for (const char *p = value.at + 1; *p != '"';) {
        long code;
        const char *next = next_character(p, value.end, &code);
        char bytes[4];
        size_t step = code < 0 ? (size_t)(next - p) : encode_utf8(code, bytes);
        if (code == 0 || length + step >= size) return -1;
        memcpy(out + length, code < 0 ? p : bytes, step);
        length += step;
        p = next;
    }
    if (length >= size) return -1;
    out[length] = '\0';
    return (ssize_t)length;
}
