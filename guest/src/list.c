#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digests.h"
#include "fatal.h"
#include "fields.h"
#include "hashing.h"
#include "mapped.h"
#include "names.h"
#include "reply.h"
#include "session.h"
#include "stat.h"
#include "transfer.h"
#include "tree.h"
#include "workspace.h"
#include "write.h"

struct list {
    struct transfer transfer;
    struct tree tree;
    bool has_digests, is_brief;
    bool is_cut; // there are more entries than requested
    int64_t depth, limit, entries;
    int64_t hash_bytes; // longer files are not hashed
    struct timespec looked; // when mappings were read, before the first file was hashed; 0 until then
    struct hashing hashing; // of the current entry
    char after[PATH_MAX];
};

static void end(struct transfer *transfer) {
    struct list *list = (struct list *)transfer;
    tree_close(&list->tree);
    if (list->hashing.fd >= 0) close(list->hashing.fd);
    transfer_remove(transfer);
    free(list);
}

// An entry's facts besides its stat.
struct told {
    const char *path;
    char target[PATH_MAX];
    bool is_mount;
    const uint8_t *digest; // NULL when there is none
};

static size_t render(const struct stat *entry, const struct told *told, bool is_brief, uint8_t *out) {
    for (int force = 0;; force++) {
        struct json_out header = json_out_begin((char *)out + 4, RECORD_HEADER_MAX_BYTES);
        json_out_bytes(&header, "path", told->path, strlen(told->path), force);
        json_out_text(&header, "type", stat_type(entry->st_mode));
        json_out_integer(&header, "mode", entry->st_mode & 07777);
        if (!is_brief) {
            json_out_integer(&header, "uid", entry->st_uid);
            json_out_integer(&header, "gid", entry->st_gid);
            json_out_integer(&header, "mtime_s", entry->st_mtim.tv_sec);
            json_out_integer(&header, "mtime_ns", entry->st_mtim.tv_nsec);
        }
        json_out_integer(&header, "size", entry->st_size);
        if (S_ISLNK(entry->st_mode)) json_out_bytes(&header, "target", told->target, strlen(told->target), force);
        if (told->is_mount) json_out_bool(&header, "mount", true);
        char hex[2 * SHA256_BYTES + 1];
        if (told->digest) sha256_hex(told->digest, hex);
        if (told->digest) json_out_text(&header, "sha256", hex);
        json_out_end(&header);
        if (header.is_full && !force) continue;
        put_u32(out, (uint32_t)header.length);
        return 4 + header.length;
    }
}

static void send(struct list *list, const struct stat *entry, const struct told *told) {
    ring_append(&list->transfer.outlet.ring, session_scratch, render(entry, told, list->is_brief, session_scratch));
    list->entries++;
}

static const char *path_of(const struct list *list) { return list->tree.level ? list->tree.path : "."; }

static bool begin_hashing(struct list *list, int folder, const char *name) {
    if (list->looked.tv_sec == 0) {
        clock_gettime(CLOCK_REALTIME_COARSE, &list->looked);
        mapped_look();
    }
    return hashing_begin(&list->hashing, folder, name);
}

// Sends an entry with its known digest, or begins to hash it. False if the entry has no digest.
static bool begin_digest(struct list *list, int folder, const char *name, const struct stat *entry) {
    uint8_t digest[SHA256_BYTES];
    if (!list->has_digests || !S_ISREG(entry->st_mode)) return false;
    if (!digests_find(entry, digest)) return entry->st_size <= list->hash_bytes && begin_hashing(list, folder, name);
    struct told told = {.path = path_of(list), .digest = digest};
    send(list, entry, &told);
    return true;
}

static void go_on_hashing(struct list *list) {
    uint8_t digest[SHA256_BYTES];
    if (hashing_go_on(&list->hashing)) return;
    bool is_whole = hashing_end(&list->hashing, digest);
    if (is_whole && !mapped_has(list->hashing.before.st_ino)) digests_keep(&list->hashing.before, digest, list->looked);
    struct told told = {.path = path_of(list), .digest = is_whole ? digest : NULL};
    send(list, &list->hashing.before, &told);
}

static bool is_hidden(const struct tree *tree) { return write_is_temporary(tree->name) || workspace_is_staging(tree->name); }

static bool enter(struct list *list, struct told *told) {
    struct tree *tree = &list->tree;
    if (!S_ISDIR(tree->stat.st_mode) || tree->depth >= list->depth || tree_enter(tree)) return true;
    told->is_mount = errno == EXDEV;
    return errno == EXDEV || errno == ENOENT;
}

static bool add_entry(struct list *list) {
    struct tree *tree = &list->tree;
    int folder = tree->folder;
    struct told told = {.path = tree->path};
    if (is_hidden(tree)) return true;
    if (!tree->is_told && list->entries == list->limit) {
        list->is_cut = true;
        tree_close(tree);
        return true;
    }
    if (!enter(list, &told)) return false;
    if (tree->is_told || begin_digest(list, folder, tree->name, &tree->stat)) return true;
    ssize_t length = S_ISLNK(tree->stat.st_mode) ? readlinkat(folder, tree->name, told.target, sizeof told.target - 1) : 0;
    if (length < 0) return errno == ENOENT || errno == EINVAL;
    told.target[length] = '\0';
    send(list, &tree->stat, &told);
    return true;
}

static bool walk_on(struct list *list) {
    switch (tree_next(&list->tree)) {
    case TREE_ENTRY: return add_entry(list);
    case TREE_FAILED: return false;
    default: return true;
    }
}

static bool produce(struct transfer *transfer) {
    struct list *list = (struct list *)transfer;
    bool is_done = true;
    if (list->hashing.fd >= 0)
        go_on_hashing(list);
    else if (list->tree.level)
        is_done = walk_on(list);
    else
        outlet_end(&transfer->outlet, transfer->outlet.ring.head);
    if (is_done) return true;
    reply_error(transfer->stream, "IO", errno, list->tree.path, "the directory was not read");
    end(transfer);
    return false;
}

static void answer(struct transfer *transfer) {
    const struct list *list = (struct list *)transfer;
    struct json_out *out = reply_begin();
    json_out_integer(out, "entries", list->entries);
    json_out_bool(out, "more", list->is_cut);
    reply_send(transfer->stream);
}

static const struct transfer_kind kind = {
    .produce = produce, .answer = answer, .room_bytes = 4 + RECORD_HEADER_MAX_BYTES, .end = end};

// Sends the path itself, links followed, then walks its entries.
static bool begin(struct list *list, const char *path) {
    struct stat entry;
    struct told told = {.path = "."};
    if (stat(path, &entry) < 0) return false;
    if (!*list->after && !begin_digest(list, AT_FDCWD, path, &entry)) send(list, &entry, &told);
    if (!S_ISDIR(entry.st_mode) || list->depth == 0) return true;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && tree_begin(&list->tree, fd, *list->after ? list->after : NULL);
}

static bool read_fields(uint32_t stream, struct json request, struct list *list) {
    struct json value;
    bool has_after = json_field(request, "after", &value) || json_field(request, "after_base64", &value);
    if (!fields_integer(stream, request, "depth", TREE_DEPTH_MAX + 1, &list->depth)) return false;
    if (!fields_integer(stream, request, "limit", INT64_MAX, &list->limit)) return false;
    if (!fields_bool(stream, request, "digests", &list->has_digests)) return false;
    if (!fields_bool(stream, request, "brief", &list->is_brief)) return false;
    if (!fields_integer(stream, request, "hash_bytes", INT64_MAX, &list->hash_bytes)) return false;
    if (!has_after || names_read(request, "after", list->after)) return true;
    reply_error(stream, "BAD_REQUEST", 0, NULL, "`after` must be a path");
    return false;
}

void list_start(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    if (!fields_path(stream, request, "path", path) || !transfers_have_room(stream)) return;
    struct list *list = calloc(1, sizeof *list);
    if (!list) fatal("out of memory");
    list->hashing.fd = -1;
    list->depth = TREE_DEPTH_MAX + 1;
    list->limit = list->hash_bytes = INT64_MAX;
    if (!read_fields(stream, request, list)) return free(list);
    transfer_add(&list->transfer, stream, &kind);
    if (begin(list, path)) return;
    reply_error(stream, "IO", errno, path, "the path cannot be read");
    end(&list->transfer);
}
