#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 65536, BUFFER_BYTES = 262144 };

static char line[LINE_MAX_BYTES];
static char buffer[BUFFER_BYTES];
static size_t filled;

void reply_flush(void) {
    for (size_t at = 0; at < filled;) {
        ssize_t count = write(STDOUT_FILENO, buffer + at, filled - at);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) exit(0);
        at += (size_t)count;
    }
    filled = 0;
}

static struct json_out begin(const char *name, int64_t number) {
    struct json_out out = json_out_begin(line, sizeof line - 1);
    json_out_integer(&out, name, number);
    return out;
}

struct json_out reply_begin(int64_t id) {
    return begin("id", id);
}

struct json_out reply_begin_event(int64_t watch) {
    return begin("watch", watch);
}

void reply_send(struct json_out *out) {
    json_out_end(out);
    if (out->is_full) return;
    if (filled + out->length + 1 > sizeof buffer) reply_flush();
    memcpy(buffer + filled, line, out->length);
    filled += out->length;
    buffer[filled++] = '\n';
}

void reply_done(int64_t id) {
    struct json_out out = reply_begin(id);
    json_out_bool(&out, "done", true);
    reply_send(&out);
}

static const char *name_of(int error) {
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {ENOENT, "ENOENT"},   {EEXIST, "EEXIST"},       {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"},
        {ENOSPC, "ENOSPC"},   {EDQUOT, "ENOSPC"},       {EINVAL, "EINVAL"},   {EACCES, "EACCES"}, {EPERM, "EPERM"},
        {ESRCH, "ESRCH"},     {EXDEV, "EXDEV"},         {EBUSY, "EBUSY"},     {EROFS, "EROFS"},   {ENOTEMPTY, "ENOTEMPTY"},
        {EREMOTE, "EREMOTE"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {EKEYREJECTED, "ENOUSER"}, {EMEDIUMTYPE, "ENOTREG"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error) return names[i].name;
    return "EIO";
}

void reply_failed(int64_t id, int error, const char *message) {
    struct json_out out = reply_begin(id);
    json_out_text(&out, "error", name_of(error));
    json_out_text(&out, "message", message ? message : strerror(error));
    reply_send(&out);
}
