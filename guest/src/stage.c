#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absent.h"
#include "beneath.h"
#include "fatal.h"
#include "preview.h"
#include "reply.h"
#include "trash.h"
#include "workspace.h"

static const struct transfer_kind kind;

struct stage *stage_find(uint32_t stream) {
    struct transfer *transfer = transfer_find(stream);
    return transfer && transfer->kind == &kind ? (struct stage *)transfer : NULL;
}

static void close_if_open(int fd) {
    if (fd >= 0) close(fd);
}

void stage_forget(struct stage *stage) {
    transfer_remove(&stage->transfer);
    close_if_open(stage->file.fd);
    close_if_open(stage->folder_fd);
    close_if_open(stage->old_folder_fd);
    close_if_open(stage->old_root_fd);
    close_if_open(stage->root_fd);
    close_if_open(stage->tree_fd);
    close_if_open(stage->place_fd);
    folders_free(&stage->folders);
    kept_free(&stage->kept);
    removals_free(&stage->removals);
    removals_free(&stage->clashes);
    equal_free(&stage->equal);
    free(stage);
}

static void end(struct transfer *transfer) {
    struct stage *stage = (struct stage *)transfer;
    char id[sizeof stage->id];
    bool has_tree = !stage->is_dry;
    strcpy(id, stage->id);
    stage_forget(stage);
    if (has_tree) trash_add(id);
}

static int is_in_use(const char *name) {
    for (struct transfer *transfer = transfers_first(); transfer; transfer = transfer->following)
        if (transfer->kind == &kind && strcmp(((struct stage *)transfer)->id, name) == 0) return true;
    return false;
}

void stages_sweep(void) { trash_sweep(is_in_use); }

void stage_reply_failure(uint32_t stream, int error, const char *path, const char *message) {
    bool is_unsafe = error == ELOOP || error == EXDEV;
    reply_error(stream, is_unsafe ? "UNSAFE_PATH" : "IO", error, path,
                is_unsafe ? "the path leads out of the destination or through a link" : message);
}

static void fail(struct stage *stage, int error) {
    stage_reply_failure(stage->transfer.stream, error, stage->parser.record.path, "the entry was not written");
    end(&stage->transfer);
}

static void refuse(struct stage *stage, const char *code, const char *message) {
    reply_error(stage->transfer.stream, code, 0, stage->parser.record.path, message);
    end(&stage->transfer);
}

// Opens this part of the workspace; `fd` becomes -1 when it is missing. Returns 0, or the errno that says why nothing can be put there.
static int open_destination(const char *relative, int *fd) {
    int root = workspace_open();
    *fd = root < 0 ? -1 : beneath_open(root, relative, O_RDONLY | O_DIRECTORY);
    int error = *fd < 0 && (root < 0 || errno != ENOENT) ? errno : 0;
    close_if_open(root);
    return error;
}

static bool make_tree(struct stage *stage) {
    workspace_read_owner();
    int staging = workspace_staging();
    if (staging < 0 || mkdirat(staging, stage->id, 0700) < 0) return false;
    stage->place_fd = beneath_open(staging, stage->id, O_RDONLY | O_DIRECTORY);
    if (stage->place_fd < 0 || mkdirat(stage->place_fd, "tree", 0700) < 0 || mkdirat(stage->place_fd, "exchange", 0700) < 0)
        return false;
    stage->tree_fd = beneath_open(stage->place_fd, "tree", O_RDONLY | O_DIRECTORY);
    if (stage->tree_fd >= 0) stage->root_fd = beneath_make(stage->tree_fd, stage->destination);
    return stage->root_fd >= 0;
}

void stage_start(uint32_t stream, const char *path, const char *id, bool is_dry) {
    const char *relative = workspace_relative(path);
    if (!relative) return reply_error(stream, "UNSAFE_PATH", 0, path, "the destination must lie in the workspace");
    int destination = -1;
    int error = is_in_use(id) ? EEXIST : open_destination(relative, &destination);
    if (error) return stage_reply_failure(stream, error, path, "the destination cannot be opened");
    struct stage *stage = calloc(1, sizeof *stage);
    if (!stage) fatal("out of memory");
    transfer_add(&stage->transfer, stream, &kind);
    stage->place_fd = stage->tree_fd = stage->root_fd = stage->folder_fd = stage->old_folder_fd = stage->file.fd = -1;
    stage->old_root_fd = destination;
    equal_init(&stage->equal);
    strcpy(stage->id, id);
    strcpy(stage->destination, relative);
    stage->is_dry = is_dry;
    stage->is_new = true;
    const char *mount = NULL;
    if (is_dry) return;
    if (!make_tree(stage))
        reply_error(stream, "IO", errno, path, "the staging directory cannot be made");
    else if ((mount = workspace_find_mount(stage->tree_fd)))
        reply_error(stream, "IO", EBUSY, mount, "something is mounted there");
    else
        return;
    end(&stage->transfer);
}

static bool is_safe(const struct stage *stage) {
    const struct record *record = &stage->parser.record;
    if (strcmp(record->path, ".") == 0) return record->type == RECORD_DIRECTORY;
    if (!beneath_is_plain(record->path) || (!*stage->destination && workspace_is_staging(record->path))) return false;
    return record->type != RECORD_HARDLINK || beneath_is_plain(record->target);
}

static bool begin_entry(struct stage *stage) {
    if (absent_is(&stage->parser.record)) return absent_begin(stage);
    return (stage->is_dry ? preview_begin : entry_begin)(stage);
}

static bool end_entry(struct stage *stage) {
    stage->entries += !absent_is(&stage->parser.record);
    if (++stage->records % ENTRIES_PER_WINDOW == 0) inlet_grant(&stage->transfer.inlet, CONTENT_GRANT_MAX_BYTES);
    return (stage->is_dry ? preview_end : entry_end)(stage);
}

static void take(struct transfer *transfer, const uint8_t *bytes, size_t size) {
    struct stage *stage = (struct stage *)transfer;
    for (;;) {
        size_t used;
        enum record_event event = record_parse(&stage->parser, bytes, size, &used);
        const uint8_t *content = bytes;
        bytes += used;
        size -= used;
        if (event == RECORD_MORE) return;
        if (event == RECORD_BAD) {
            stage->parser.record.path[0] = '\0';
            return refuse(stage, "BAD_REQUEST", "a record's header is malformed");
        }
        bool is_done = true;
        if (event == RECORD_BEGINS && !is_safe(stage))
            return refuse(stage, "UNSAFE_PATH", "a path must be relative, without `.`, `..` or empty parts");
        if (event == RECORD_BEGINS) is_done = begin_entry(stage);
        if (event == RECORD_CONTENT) is_done = (stage->is_dry ? preview_write : entry_write)(stage, content, used);
        if (event == RECORD_CONTENT) stage->bytes += (int64_t)used;
        if (event == RECORD_ENDS) is_done = end_entry(stage);
        if (!is_done) return fail(stage, errno);
    }
}

static void finish(struct transfer *transfer) {
    struct stage *stage = (struct stage *)transfer;
    if (!record_is_between(&stage->parser)) return refuse(stage, "BAD_REQUEST", "the content ends within a record");
    folders_sort(&stage->folders);
    removals_sort(&stage->removals);
    int error = stage->is_dry ? preview_finish(stage) : 0;
    if (error) return fail(stage, error);
    transfer->is_answered = true;
    struct json_out *out = reply_begin();
    json_out_integer(out, "entries", stage->entries);
    json_out_integer(out, "bytes", stage->bytes);
    json_out_integer(out, "unchanged", stage->unchanged);
    if (stage->is_dry) removals_render(&stage->removals, out);
    reply_send(stage->transfer.stream);
}

static const struct transfer_kind kind = {.take = take, .finish = finish, .end = end};
