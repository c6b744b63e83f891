#include "record.h"

#include <string.h>

#include "frame.h"
#include "json.h"
#include "json_out.h"
#include "names.h"

static const char *const type_names[RECORD_TYPES] = {"file", "directory", "symlink", "hardlink", "absent", "absent_directory"};

static bool read_type(struct json header, enum record_type *type) {
    struct json value;
    char name[24];
    if (!json_field(header, "type", &value) || json_text(value, name, sizeof name) < 0) return false;
    for (int i = 0; i < RECORD_TYPES; i++) {
        *type = (enum record_type)i;
        if (strcmp(type_names[i], name) == 0) return true;
    }
    return false;
}

static bool read_integer(struct json header, const char *name, int64_t min, int64_t max, int64_t *out) {
    struct json value;
    *out = 0;
    return !json_field(header, name, &value) || json_integer(value, min, max, out);
}

static bool read_header(const char *text, size_t length, struct record *record) {
    struct json header;
    int64_t mode = 0;
    if (!json_parse(text, length, &header) || !read_type(header, &record->type)) return false;
    if (!names_read(header, "path", record->path)) return false;
    record->target[0] = record->stamp[0] = '\0';
    bool is_link = record->type == RECORD_SYMLINK || record->type == RECORD_HARDLINK;
    if (is_link && !names_read(header, "target", record->target)) return false;
    if (!read_integer(header, "mode", 0, 07777777, &mode)) return false;
    record->mode = (mode_t)mode & 0777;
    int64_t far = INT64_C(1) << 40;
    if (!read_integer(header, "mtime_s", -far, far, &record->mtime_s)) return false;
    if (!read_integer(header, "mtime_ns", 0, 999999999, &record->mtime_ns)) return false;
    if (!read_integer(header, "size", 0, INT64_MAX, &record->size)) return false;
    return record->type == RECORD_FILE || record->size == 0;
}

bool record_is_between(const struct record_parser *parser) { return parser->have == 0 && !parser->in_content; }

enum record_event record_parse(struct record_parser *parser, const uint8_t *bytes, size_t count, size_t *used) {
    *used = 0;
    if (parser->in_content) {
        if (parser->left == 0) {
            parser->in_content = false;
            return RECORD_ENDS;
        }
        if (count == 0) return RECORD_MORE;
        *used = (uint64_t)parser->left < count ? (size_t)parser->left : count;
        parser->left -= (int64_t)*used;
        return RECORD_CONTENT;
    }
    while (*used < count) {
        size_t need = parser->have < 4 ? 4 : 4 + read_u32(parser->header);
        size_t step = need - parser->have < count - *used ? need - parser->have : count - *used;
        memcpy(parser->header + parser->have, bytes + *used, step);
        parser->have += step;
        *used += step;
        if (parser->have < 4) break;
        uint32_t length = read_u32(parser->header);
        if (length == 0 || length > RECORD_HEADER_MAX_BYTES) return RECORD_BAD;
        if (parser->have < 4 + (size_t)length) continue;
        parser->have = 0;
        if (!read_header((const char *)parser->header + 4, length, &parser->record)) return RECORD_BAD;
        parser->left = parser->record.size;
        parser->in_content = true;
        return RECORD_BEGINS;
    }
    return RECORD_MORE;
}

static void render_pieces(struct json_out *header, const struct pieces *pieces) {
    json_out_open(header, "data", '[');
    for (int i = 0; i < pieces->count; i++) {
        json_out_item(header, pieces->all[i].offset);
        json_out_item(header, pieces->all[i].bytes);
    }
    json_out_close(header, ']');
}

size_t record_render(const struct record *record, uint8_t *out) {
    for (int force = 0;; force++) {
        struct json_out header = json_out_begin((char *)out + 4, RECORD_HEADER_MAX_BYTES);
        json_out_bytes(&header, "path", record->path, strlen(record->path), force);
        json_out_text(&header, "type", type_names[record->type]);
        json_out_integer(&header, "mode", record->mode);
        json_out_integer(&header, "mtime_s", record->mtime_s);
        json_out_integer(&header, "mtime_ns", record->mtime_ns);
        json_out_integer(&header, "size", record->size);
        if (*record->target) json_out_bytes(&header, "target", record->target, strlen(record->target), force);
        if (*record->stamp) json_out_text(&header, "stamp", record->stamp);
        if (record->pieces) render_pieces(&header, record->pieces);
        json_out_end(&header);
        // Control characters take six bytes each in JSON; base64 of two longest names always fits.
        if (header.is_full && !force) continue;
        put_u32(out, (uint32_t)header.length);
        return 4 + header.length;
    }
}
