#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base64.h"
#include "entry.h"
#include "place.h"
#include "reply.h"

enum { CONTENT_MAX = 65536, NAMES_MAX = 8192 };

static const char prefix[] = "user.e2b.";

void file_find(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    struct stat known;
    int error = place_user(request, &user);
    if (!error) error = place_path(request, "path", &user, path);
    if (!error && stat(path, &known) != 0) error = errno;
    if (!error && S_ISDIR(known.st_mode)) error = EISDIR;
    if (!error && !S_ISREG(known.st_mode)) error = EMEDIUMTYPE;
    if (error) return reply_failed(id, error, NULL);
    struct json_out out = reply_begin(id);
    json_out_text(&out, "path", path);
    json_out_integer(&out, "size", known.st_size);
    json_out_integer(&out, "mtime_s", known.st_mtim.tv_sec);
    reply_send(&out);
    reply_done(id);
}

static void clear_metadata(int file) {
    static char names[NAMES_MAX];
    ssize_t length = flistxattr(file, names, sizeof names);
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
        if (strncmp(names + at, prefix, sizeof prefix - 1) == 0) (void)fremovexattr(file, names + at);
}

static int set_metadata(int file, struct json request) {
    struct json metadata, key, value;
    clear_metadata(file);
    if (!json_field(request, "metadata", &metadata) || !json_is_object(metadata)) return 0;
    for (const char *at = NULL; json_next(metadata, &at, &key, &value);) {
        char name[sizeof prefix + 256], text[4097];
        strcpy(name, prefix);
        if (json_text(key, name + sizeof prefix - 1, 256) < 0) return EINVAL;
        ssize_t length = json_text(value, text, sizeof text);
        if (length < 0) return EINVAL;
        if (fsetxattr(file, name, text, (size_t)length, 0) != 0) return errno;
    }
    return 0;
}

static int write_content(int file, struct json request) {
    static char text[CONTENT_MAX * 4 / 3 + 8], content[CONTENT_MAX];
    struct json field;
    if (!json_field(request, "content", &field)) return 0;
    ssize_t length = json_text(field, text, sizeof text);
    ssize_t size = length < 0 ? -1 : base64_decode(text, (size_t)length, content, sizeof content);
    if (size < 0) return EINVAL;
    for (ssize_t at = 0; at < size;) {
        ssize_t count = write(file, content + at, (size_t)(size - at));
        if (count < 0 && errno != EINTR) return errno;
        if (count > 0) at += count;
    }
    return 0;
}

static int open_for_writing(const char *path, int *file) {
    struct stat known;
    if (stat(path, &known) == 0) {
        if (S_ISDIR(known.st_mode)) return EISDIR;
        if (!S_ISREG(known.st_mode)) return EMEDIUMTYPE;
    }
    *file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
    return *file < 0 ? errno : 0;
}

void file_write(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    int file = -1;
    int error = place_user(request, &user);
    if (!error) error = place_path(request, "path", &user, path);
    if (!error) error = place_make_parents(path, &user, false);
    if (!error) error = open_for_writing(path, &file);
    if (!error && fchown(file, user.uid, user.gid) != 0) error = errno;
    if (!error) error = set_metadata(file, request);
    if (!error) error = write_content(file, request);
    if (file >= 0 && close(file) != 0 && !error) error = errno;
    if (error) return reply_failed(id, error, NULL);
    entry_reply(id, path);
}
