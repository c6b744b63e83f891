#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "fatal.h"
#include "fields.h"
#include "names.h"
#include "reply.h"
#include "sender.h"
#include "session.h"

struct fetch {
    struct transfer transfer;
    struct sender sender;
    int root;
    int folder_fd; // of the current entry; kept for the next one in the same folder
    char folder[PATH_MAX];
    size_t at, used; // of the paths, one behind the other, each with its NUL
    char paths[];
};

static void close_if_open(int fd) {
    if (fd >= 0) close(fd);
}

static void end(struct transfer *transfer) {
    struct fetch *fetch = (struct fetch *)transfer;
    sender_end(&fetch->sender);
    close_if_open(fetch->folder_fd);
    close_if_open(fetch->root);
    transfer_remove(transfer);
    free(fetch);
}

// The entry's folder, reached through no link. False with errno.
static bool open_folder(struct fetch *fetch, const char *path, size_t length) {
    bool is_same = fetch->folder_fd >= 0 && strlen(fetch->folder) == length && memcmp(fetch->folder, path, length) == 0;
    if (is_same) return true;
    close_if_open(fetch->folder_fd);
    memcpy(fetch->folder, path, length);
    fetch->folder[length] = '\0';
    fetch->folder_fd = beneath_open(fetch->root, fetch->folder, O_RDONLY | O_DIRECTORY);
    return fetch->folder_fd >= 0;
}

static void add_absent(struct fetch *fetch) {
    struct record *record = &fetch->sender.record;
    *record->target = '\0';
    record->stamp[0] = '\0';
    record->pieces = NULL;
    record->type = RECORD_ABSENT;
    record->mode = 0;
    record->mtime_s = record->mtime_ns = record->size = 0;
    ring_append(&fetch->transfer.outlet.ring, session_scratch, record_render(record, session_scratch));
}

// A path that leads through a link or a file names nothing.
static bool is_missing(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV; }

static bool add_entry(struct fetch *fetch) {
    const char *path = fetch->paths + fetch->at, *slash = strrchr(path, '/');
    int64_t skipped = fetch->sender.skipped;
    fetch->at += strlen(path) + 1;
    strcpy(fetch->sender.record.path, path);
    bool is_found = open_folder(fetch, path, slash ? (size_t)(slash - path) : 0) &&
                    sender_add(&fetch->sender, fetch->folder_fd, slash ? slash + 1 : path);
    if (!is_found && !is_missing(errno)) return false;
    if (!is_found || fetch->sender.skipped > skipped) add_absent(fetch);
    return true;
}

static bool produce(struct transfer *transfer) {
    struct fetch *fetch = (struct fetch *)transfer;
    bool is_done = true;
    if (fetch->sender.fd >= 0)
        is_done = sender_go_on(&fetch->sender);
    else if (fetch->at < fetch->used)
        is_done = add_entry(fetch);
    else
        outlet_end(&transfer->outlet, transfer->outlet.ring.head);
    if (is_done) return true;
    const char *message = errno == ESTALE ? "the file changed while it was read" : "the entry was not read";
    reply_error(transfer->stream, "IO", errno, fetch->sender.record.path, message);
    end(transfer);
    return false;
}

static void answer(struct transfer *transfer) {
    struct json_out *out = reply_begin();
    sender_render(&((struct fetch *)transfer)->sender, out);
    reply_send(transfer->stream);
}

static const struct transfer_kind kind = {.produce = produce, .answer = answer, .room_bytes = SENDER_ROOM_BYTES, .end = end};

// A text, or an object with a path in base64.
static bool add_path(struct fetch *fetch, struct json item) {
    char *path = fetch->paths + fetch->used;
    bool is_read = json_is_object(item) ? names_read(item, "path", path) : json_text(item, path, PATH_MAX) > 0;
    fetch->used += is_read ? strlen(path) + 1 : 0;
    return is_read && beneath_is_plain(path);
}

// The paths together are at most as long as the request.
static struct fetch *make(struct json paths) {
    struct fetch *fetch = calloc(1, sizeof *fetch + PAYLOAD_MAX_BYTES + PATH_MAX);
    const char *at = NULL;
    struct json name, item;
    bool is_good = true;
    if (!fetch) fatal("out of memory");
    while (is_good && json_next(paths, &at, &name, &item)) is_good = add_path(fetch, item);
    if (is_good) return fetch;
    free(fetch);
    return NULL;
}

void fetch_start(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    struct json paths;
    if (!fields_path(stream, request, "path", path) || !transfers_have_room(stream)) return;
    struct fetch *fetch = json_field(request, "paths", &paths) && json_is_array(paths) ? make(paths) : NULL;
    if (!fetch) return reply_error(stream, "BAD_REQUEST", 0, NULL, "`paths` must be relative paths, without `.`, `..` or empty parts");
    fetch->folder_fd = -1;
    bool is_steady = false, is_sparse = false;
    if (!fields_bool(stream, request, "steady", &is_steady)) return free(fetch);
    if (!fields_bool(stream, request, "sparse", &is_sparse)) return free(fetch);
    fetch->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    transfer_add(&fetch->transfer, stream, &kind);
    sender_begin(&fetch->sender, &fetch->transfer.outlet);
    if (is_steady) sender_be_steady(&fetch->sender);
    if (is_sparse) sender_skip_holes(&fetch->sender);
    if (fetch->root >= 0) return;
    reply_error(stream, "IO", errno, path, "the directory cannot be opened");
    end(&fetch->transfer);
}
