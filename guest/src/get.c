#include "get.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fatal.h"
#include "fields.h"
#include "reply.h"
#include "sender.h"
#include "tree.h"

struct get {
    struct transfer transfer;
    struct tree tree;
    struct sender sender;
};

static void end(struct transfer *transfer) {
    struct get *get = (struct get *)transfer;
    tree_close(&get->tree);
    sender_end(&get->sender);
    transfer_remove(transfer);
    free(get);
}

static void fail(struct get *get, const char *path) {
    const char *message = errno == ESTALE ? "the file shrank while it was read" : "the entry was not read";
    reply_error(get->transfer.stream, "IO", errno, path, message);
    end(&get->transfer);
}

// Ignores an entry that was removed since it was listed, and skips mount points.
static bool add_entry(struct get *get) {
    struct tree *tree = &get->tree;
    strcpy(get->sender.record.path, tree->path);
    if (!sender_add(&get->sender, tree->folder, tree->name)) return errno == ENOENT;
    if (!S_ISDIR(tree->stat.st_mode) || tree_enter(tree)) return true;
    if (errno == EXDEV) get->sender.skipped++;
    return errno == EXDEV || errno == ENOENT;
}

static bool walk_on(struct get *get) {
    switch (tree_next(&get->tree)) {
    case TREE_ENTRY: return add_entry(get);
    case TREE_FAILED: return false;
    default: return true;
    }
}

static bool produce(struct transfer *transfer) {
    struct get *get = (struct get *)transfer;
    bool is_done = true;
    if (get->sender.fd >= 0)
        is_done = sender_go_on(&get->sender);
    else if (get->tree.level)
        is_done = walk_on(get);
    else
        outlet_end(&transfer->outlet, transfer->outlet.ring.head);
    if (!is_done) fail(get, get->sender.fd >= 0 ? get->sender.record.path : get->tree.path);
    return is_done;
}

static void answer(struct transfer *transfer) {
    struct json_out *out = reply_begin();
    sender_render(&((struct get *)transfer)->sender, out);
    reply_send(transfer->stream);
}

static const struct transfer_kind kind = {.produce = produce, .answer = answer, .room_bytes = SENDER_ROOM_BYTES, .end = end};

void get_start(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    if (!fields_path(stream, request, "path", path) || !transfers_have_room(stream)) return;
    struct get *get = calloc(1, sizeof *get);
    if (!get) fatal("out of memory");
    transfer_add(&get->transfer, stream, &kind);
    sender_begin(&get->sender, &get->transfer.outlet);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_done = fd >= 0 && tree_begin(&get->tree, fd, NULL);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        strncpy(get->sender.record.path, strrchr(path, '/') + 1, PATH_MAX - 1);
        is_done = sender_add(&get->sender, AT_FDCWD, path);
    }
    if (!is_done) fail(get, path);
}
