#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fatal.h"
#include "fields.h"
#include "locate.h"
#include "reply.h"
#include "transfer.h"
#include "tree.h"

struct removing {
    struct transfer transfer;
    struct located place;
    struct tree tree;
    int64_t removed;
};

static void end(struct transfer *transfer) {
    struct removing *removing = (struct removing *)transfer;
    tree_close(&removing->tree);
    close(removing->place.folder);
    transfer_remove(transfer);
    free(removing);
}

// An entry that no longer exists is not a failure.
static bool take_away(struct removing *removing, int folder, const char *name, int flags) {
    bool is_done = unlinkat(folder, name, flags) == 0;
    removing->removed += is_done;
    return is_done || errno == ENOENT;
}

static bool take_entry(struct removing *removing) {
    struct tree *tree = &removing->tree;
    if (!S_ISDIR(tree->stat.st_mode)) return take_away(removing, tree->folder, tree->name, 0);
    if (tree_enter(tree) || errno == ENOENT) return true;
    if (errno == EXDEV) errno = EBUSY;
    return false;
}

static void answer(const struct removing *removing) {
    struct json_out *out = reply_begin();
    json_out_integer(out, "removed", removing->removed);
    reply_send(removing->transfer.stream);
}

static bool work(struct transfer *transfer) {
    struct removing *removing = (struct removing *)transfer;
    struct tree *tree = &removing->tree;
    bool is_done = true;
    enum tree_event event = tree_next(tree);
    if (event == TREE_ENTRY) is_done = take_entry(removing);
    if (event == TREE_LEAVE) is_done = take_away(removing, tree->folder, tree->name, AT_REMOVEDIR);
    if (event == TREE_END) is_done = take_away(removing, removing->place.folder, removing->place.name, AT_REMOVEDIR);
    bool has_failed = event == TREE_FAILED || !is_done;
    if (!has_failed && event != TREE_END) return true;
    if (has_failed)
        reply_error(transfer->stream, "IO", errno, *tree->path ? tree->path : removing->place.name, "not all of it was removed");
    else
        answer(removing);
    end(transfer);
    return false;
}

static const struct transfer_kind kind = {.work = work, .end = end};

// True when the tree must be walked; false at the end, with errno or 0.
static bool begin(struct removing *removing, bool is_recursive) {
    struct located *place = &removing->place;
    struct tree *tree = &removing->tree;
    if (fstatat(place->folder, place->name, &tree->stat, AT_SYMLINK_NOFOLLOW) < 0) return false;
    bool is_directory = S_ISDIR(tree->stat.st_mode);
    if (!is_directory || !is_recursive) {
        bool is_done = unlinkat(place->folder, place->name, is_directory ? AT_REMOVEDIR : 0) == 0;
        removing->removed = is_done;
        if (is_done) errno = 0;
        return false;
    }
    tree->folder = place->folder;
    tree->name = place->name;
    if (tree_enter(tree)) return true;
    if (errno == EXDEV) errno = EBUSY;
    return false;
}

void remove_start(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    bool is_recursive = false;
    if (!fields_path(stream, request, "path", path) || !fields_bool(stream, request, "recursive", &is_recursive) ||
        !transfers_have_room(stream))
        return;
    struct removing *removing = calloc(1, sizeof *removing);
    if (!removing) fatal("out of memory");
    if (!locate(path, 0, &removing->place)) {
        reply_error(stream, "IO", errno, path, "the name was not found");
        return free(removing);
    }
    transfer_add(&removing->transfer, stream, &kind);
    if (begin(removing, is_recursive)) return;
    if (errno)
        reply_error(stream, "IO", errno, path, "it was not removed");
    else
        answer(removing);
    end(&removing->transfer);
}
