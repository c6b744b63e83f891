#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fatal.h"
#include "fields.h"
#include "hashing.h"
#include "kernel.h"
#include "locate.h"
#include "reply.h"
#include "transfer.h"

#define TEMPORARY ".pyro-write-"

struct writing {
    struct transfer transfer;
    struct located place;
    char temporary[48]; // in the same folder; "" when the file itself is written to
    int fd;
    bool has_mode, is_new;
    struct stat old; // unless it is new
    int64_t mode, bytes;
    char digest[2 * SHA256_BYTES + 1]; // of the file to replace; "" for any content
};

struct wishes {
    char path[PATH_MAX], digest[2 * SHA256_BYTES + 1];
    bool appends, has_mode;
    int64_t mode;
};

bool write_is_temporary(const char *name) { return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0; }

static void end(struct transfer *transfer) {
    struct writing *writing = (struct writing *)transfer;
    if (writing->fd >= 0) close(writing->fd);
    if (*writing->temporary) unlinkat(writing->place.folder, writing->temporary, 0);
    if (writing->place.folder >= 0) close(writing->place.folder);
    transfer_remove(transfer);
    free(writing);
}

static void fail(struct writing *writing, const char *message) {
    reply_error(writing->transfer.stream, "IO", errno, writing->place.name, message);
    end(&writing->transfer);
}

static void take(struct transfer *transfer, const uint8_t *bytes, size_t size) {
    struct writing *writing = (struct writing *)transfer;
    while (size > 0) {
        ssize_t done = write(writing->fd, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail(writing, "the file was not written");
        bytes += done;
        size -= (size_t)done;
        writing->bytes += done;
    }
}

// Whether the file still has the content that may be replaced. The agent serves nothing else while it hashes. False with errno ESTALE.
static bool is_as_expected(const struct writing *writing) {
    struct hashing hashing;
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1] = "";
    if (!*writing->digest) return true;
    if (hashing_begin(&hashing, writing->place.folder, writing->place.name)) {
        bool is_small = hashing.left <= COMPARED_MAX_BYTES;
        while (is_small && hashing_go_on(&hashing)) continue;
        if (hashing_end(&hashing, digest)) sha256_hex(digest, text);
    }
    errno = ESTALE;
    return strcmp(text, writing->digest) == 0;
}

// A replaced file keeps its owner, and its permissions unless the request sets others.
static bool finish_file(struct writing *writing) {
    mode_t mode = writing->has_mode ? (mode_t)writing->mode : writing->is_new ? 0644 : writing->old.st_mode & 0777;
    bool keeps_owner = *writing->temporary && !writing->is_new;
    if (keeps_owner && fchown(writing->fd, writing->old.st_uid, writing->old.st_gid) < 0 && errno != EPERM) return false;
    bool has_mode = *writing->temporary || writing->has_mode || writing->is_new;
    return !has_mode || fchmod(writing->fd, mode) == 0;
}

static bool switch_in(struct writing *writing) {
    int folder = writing->place.folder;
    if (!*writing->temporary) return true;
    if (renameat(folder, writing->temporary, folder, writing->place.name) < 0) return false;
    *writing->temporary = '\0';
    return true;
}

static void finish(struct transfer *transfer) {
    struct writing *writing = (struct writing *)transfer;
    if (!is_as_expected(writing)) return fail(writing, "the file has changed");
    if (!finish_file(writing) || !switch_in(writing)) return fail(writing, "the file was not written");
    struct json_out *out = reply_begin();
    json_out_integer(out, "bytes", writing->bytes);
    json_out_bool(out, "created", writing->is_new);
    reply_send(transfer->stream);
    end(transfer);
}

static const struct transfer_kind kind = {.take = take, .finish = finish, .end = end};

static bool open_temporary(struct writing *writing) {
    static unsigned long number;
    for (int tries = 0; tries < 100; tries++) {
        snprintf(writing->temporary, sizeof writing->temporary, TEMPORARY "%ld-%lu", (long)getpid(), number++);
        int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        writing->fd = openat(writing->place.folder, writing->temporary, flags, 0600);
        if (writing->fd >= 0 || errno != EEXIST) break;
    }
    if (writing->fd < 0) *writing->temporary = '\0';
    return writing->fd >= 0;
}

// Checks the type again after the open, since the name may be another file by now.
static bool open_to_append(struct writing *writing) {
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    writing->fd = openat(writing->place.folder, writing->place.name, flags, 0644);
    if (writing->fd < 0 || fstat(writing->fd, &writing->old) < 0) return false;
    errno = EOPNOTSUPP;
    return S_ISREG(writing->old.st_mode);
}

static bool look_at_place(struct writing *writing) {
    writing->is_new = fstatat(writing->place.folder, writing->place.name, &writing->old, AT_SYMLINK_NOFOLLOW) < 0;
    if (writing->is_new) return errno == ENOENT;
    mode_t mode = writing->old.st_mode;
    errno = S_ISDIR(mode) ? EISDIR : S_ISLNK(mode) ? ELOOP : EOPNOTSUPP;
    return S_ISREG(mode);
}

static bool begin(struct writing *writing, const struct wishes *wishes) {
    if (!locate(wishes->path, LOCATE_FOLLOWS | LOCATE_MAKES, &writing->place)) {
        writing->place.folder = -1;
        if (errno == EBUSY || errno == EINVAL) errno = EISDIR;
        return false;
    }
    if (!look_at_place(writing)) return false;
    if (*wishes->digest && writing->is_new) errno = ESTALE;
    if (*wishes->digest && writing->is_new) return false;
    return wishes->appends ? open_to_append(writing) : open_temporary(writing);
}

static bool read_wishes(uint32_t stream, struct json request, struct wishes *wishes) {
    struct json value;
    *wishes->digest = '\0';
    wishes->has_mode = json_field(request, "mode", &value);
    if (!fields_path(stream, request, "path", wishes->path)) return false;
    if (!fields_integer(stream, request, "mode", 0777, &wishes->mode)) return false;
    if (!fields_bool(stream, request, "append", &wishes->appends)) return false;
    if (!json_field(request, "replaces", &value)) return true;
    if (!wishes->appends && json_text(value, wishes->digest, sizeof wishes->digest) == 2 * SHA256_BYTES) return true;
    reply_error(stream, "BAD_REQUEST", 0, NULL, "`replaces` must be 64 hex digits in lower case, without `append`");
    return false;
}

void write_start(uint32_t stream, struct json request) {
    struct wishes wishes = {.mode = 0};
    if (!read_wishes(stream, request, &wishes) || !transfers_have_room(stream)) return;
    struct writing *writing = calloc(1, sizeof *writing);
    if (!writing) fatal("out of memory");
    writing->fd = -1;
    writing->has_mode = wishes.has_mode;
    writing->mode = wishes.mode;
    strcpy(writing->digest, wishes.digest);
    transfer_add(&writing->transfer, stream, &kind);
    if (begin(writing, &wishes)) return;
    reply_error(stream, "IO", errno, wishes.path, "the file cannot be written");
    end(&writing->transfer);
}
