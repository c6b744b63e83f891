#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "inspect.h"

enum { CHUNK_LINE_MAX = 64, DIGITS_MAX = 15 };

// A span of the head.
struct text {
    const char *at;
    size_t length;
};

struct head {
    int hosts, lengths, codings;
    uint64_t length;
    bool is_old; // HTTP/1.0
    bool is_wrong;
};

static bool is_text(struct text text, const char *expected) {
    return text.length == strlen(expected) && strncasecmp(text.at, expected, text.length) == 0;
}

static struct text trim(struct text text) {
    while (text.length > 0 && (*text.at == ' ' || *text.at == '\t')) text.at++, text.length--;
    while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t')) text.length--;
    return text;
}

// A host, with or without a port, and nothing else.
static bool is_allowed_host(struct text host, char name[NAME_BYTES]) {
    const char *colon = memchr(host.at, ':', host.length);
    if (colon) {
        for (const char *at = colon + 1; at < host.at + host.length; at++)
            if (!isdigit((unsigned char)*at)) return false;
        host.length = (size_t)(colon - host.at);
    }
    if (host.length >= NAME_BYTES || memchr(host.at, '\0', host.length)) return false;
    memcpy(name, host.at, host.length);
    name[host.length] = '\0';
    return names_is_allowed(name);
}

// `METHOD TARGET HTTP/1.x`. A target that names a host must name an allowed one, since servers prefer it to the Host field.
static bool is_allowed_line(struct head *head, struct text line, char name[NAME_BYTES]) {
    const char *first = memchr(line.at, ' ', line.length);
    if (!first || first == line.at || memchr(line.at, '\t', line.length)) return false;
    if (is_text((struct text){line.at, (size_t)(first - line.at)}, "CONNECT")) return false; // it has no body, and a tunnel follows it
    for (const char *at = line.at; at < first; at++)
        if (!isupper((unsigned char)*at) && *at != '-' && *at != '_') return false;
    struct text target = {first + 1, line.length - (size_t)(first + 1 - line.at)};
    const char *second = memchr(target.at, ' ', target.length);
    if (!second) return false;
    struct text version = {second + 1, target.length - (size_t)(second + 1 - target.at)};
    target.length = (size_t)(second - target.at);
    if (version.length != 8 || memcmp(version.at, "HTTP/1.", 7) != 0) return false;
    if (version.at[7] != '0' && version.at[7] != '1') return false;
    head->is_old = version.at[7] == '0';
    if (target.length > 0 && (target.at[0] == '/' || is_text(target, "*"))) return true;
    if (target.length < 8 || strncasecmp(target.at, "http://", 7) != 0) return false;
    struct text host = {target.at + 7, target.length - 7};
    const char *end = memchr(host.at, '/', host.length);
    if (end) host.length = (size_t)(end - host.at);
    return is_allowed_host(host, name);
}

static void read_length(struct head *head, struct text value) {
    head->is_wrong |= value.length == 0 || value.length > DIGITS_MAX || head->lengths++ > 0;
    for (size_t i = 0; i < value.length && !head->is_wrong; i++) {
        head->is_wrong = !isdigit((unsigned char)value.at[i]);
        head->length = head->length * 10 + (uint64_t)(value.at[i] - '0');
    }
}

static bool is_token(struct text text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] == '\0' || (!isalnum((unsigned char)text.at[i]) && !strchr("!#$%&'*+-.^_`|~", text.at[i]))) return false;
    return text.length > 0;
}

static void read_field(struct head *head, struct text line, char name[NAME_BYTES]) {
    const char *colon = memchr(line.at, ':', line.length);
    struct text field = {line.at, colon ? (size_t)(colon - line.at) : 0};
    // Servers disagree on continuation lines and on spaces before the colon, so both are refused.
    if (!is_token(field)) {
        head->is_wrong = true;
        return;
    }
    struct text value = trim((struct text){colon + 1, line.length - field.length - 1});
    if (is_text(field, "Host"))
        head->is_wrong |= head->hosts++ > 0 || !is_allowed_host(value, name);
    else if (is_text(field, "Content-Length"))
        read_length(head, value);
    else if (is_text(field, "Transfer-Encoding"))
        head->is_wrong |= head->is_old || head->codings++ > 0 || !is_text(value, "chunked");
    else if (is_text(field, "Upgrade")) // what follows would be another protocol
        head->is_wrong = true;
}

static bool is_control(uint8_t byte) { return (byte < ' ' && !strchr("\t\r\n", byte)) || byte == 0x7f; }

// Only CR LF ends a line, since a server that accepts other ends could read another request. Continues where the previous call stopped.
static ssize_t find_end(const uint8_t *bytes, size_t count, size_t *seen) {
    for (size_t i = *seen; i < count; i++) {
        if (bytes[i] == '\0' || is_control(bytes[i])) return -1;
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return -1;
        if (bytes[i] == '\r' && i + 1 < count && bytes[i + 1] != '\n') return -1;
        if (i >= 3 && memcmp(bytes + i - 3, "\r\n\r\n", 4) == 0) return (ssize_t)i + 1;
    }
    *seen = count - 1; // whether the last byte is valid depends on the next one
    return 0;
}

ssize_t http_read_head(struct inspection *inspection, const uint8_t *bytes, size_t count) {
    ssize_t end = find_end(bytes, count, &inspection->seen);
    if (end <= 0) return end;
    inspection->seen = 0;
    struct head head = {0};
    const char *at = (const char *)bytes, *stop = at + end - 2;
    for (bool is_first = true; at < stop; is_first = false) {
        const char *line_end = memchr(at, '\r', (size_t)(stop - at));
        struct text line = {at, (size_t)((line_end ? line_end : stop) - at)};
        if (is_first)
            head.is_wrong |= !is_allowed_line(&head, line, inspection->name);
        else
            read_field(&head, line, inspection->name);
        if (head.is_wrong) return -1;
        at += line.length + 2;
    }
    if (head.hosts != 1 || (head.codings > 0 && head.lengths > 0)) return -1;
    inspection->left = head.length;
    inspection->http = head.codings > 0 ? HTTP_CHUNK : head.length > 0 ? HTTP_BODY : HTTP_HEAD;
    return end;
}

// A chunk's size in hexadecimal digits and nothing else. Returns the line's length.
static ssize_t read_chunk_line(struct inspection *inspection, const uint8_t *bytes, size_t count) {
    uint64_t size = 0;
    for (size_t i = 0; i < count && i < CHUNK_LINE_MAX; i++) {
        if (bytes[i] == '\r') {
            if (i == 0 || i > DIGITS_MAX) return -1;
            if (i + 1 == count) return 0;
            if (bytes[i + 1] != '\n') return -1;
            inspection->http = size == 0 ? HTTP_TRAILER : HTTP_CHUNK_DATA;
            inspection->left = size;
            return (ssize_t)i + 2;
        }
        if (!isxdigit(bytes[i])) return -1;
        size = size * 16 + (uint64_t)(isdigit(bytes[i]) ? bytes[i] - '0' : (bytes[i] | 32) - 'a' + 10);
    }
    return count < CHUNK_LINE_MAX ? 0 : -1;
}

ssize_t http_read_rest(struct inspection *inspection, const uint8_t *bytes, size_t count) {
    bool is_chunked = inspection->http == HTTP_CHUNK_DATA;
    size_t length = inspection->left < count ? (size_t)inspection->left : count;
    switch (inspection->http) {
    case HTTP_CHUNK: return read_chunk_line(inspection, bytes, count);
    case HTTP_CHUNK_END:
    case HTTP_TRAILER: // none but an empty one
        if (count < 2) return 0;
        if (memcmp(bytes, "\r\n", 2) != 0) return -1;
        inspection->http = inspection->http == HTTP_TRAILER ? HTTP_HEAD : HTTP_CHUNK;
        return 2;
    default:
        inspection->left -= length;
        if (inspection->left == 0) inspection->http = is_chunked ? HTTP_CHUNK_END : HTTP_HEAD;
        return (ssize_t)length;
    }
}
