#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "fatal.h"
#include "merge.h"
#include "reply.h"
#include "workspace.h"

struct known {
    char id[ID_MAX_DIGITS + 1];
    struct timespec at;
};

// The last commits; the next one replaces the oldest.
static struct known known[COMMITS_REMEMBERED];
static unsigned next;

static void render_time(struct json_out *out, struct timespec at) {
    json_out_integer(out, "at_s", at.tv_sec);
    json_out_integer(out, "at_ns", at.tv_nsec);
}

void commit_answer_known(uint32_t stream, const char *id) {
    const struct known *found = NULL;
    for (int i = 0; i < COMMITS_REMEMBERED; i++)
        if (strcmp(known[i].id, id) == 0) found = &known[i];
    struct json_out *out = reply_begin();
    json_out_bool(out, "committed", found != NULL);
    if (found) render_time(out, found->at);
    reply_send(stream);
}

static const struct known *remember(const char *id, struct timespec at) {
    struct known *newest = &known[next];
    strcpy(newest->id, id);
    newest->at = at;
    next = (next + 1) % COMMITS_REMEMBERED;
    return newest;
}

static bool is_later(struct timespec a, struct timespec b) {
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

// Waits for, and returns, a time that is later than every change of the commit and earlier than every change after the answer. File systems
// take their times from the coarse clock, which may lag by several ticks on a busy host. Since Linux 6.13 some take them from the fine
// clock.
static struct timespec pass_tick(void) {
    struct timespec start, now;
    clock_gettime(CLOCK_REALTIME, &start);
    do {
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (!is_later(now, start));
    now.tv_sec -= now.tv_nsec == 0;
    now.tv_nsec = (now.tv_nsec + 999999999) % 1000000000;
    return now;
}

static void answer(uint32_t stream, const struct known *newest, const struct removals *removals) {
    struct json_out *out = reply_begin();
    render_time(out, newest->at);
    removals_render(removals, out);
    reply_send(stream);
}

static bool open_sides(struct stage *stage, struct merge *merge) {
    merge->tree = stage->tree_fd;
    merge->folders = &stage->folders;
    merge->kept = &stage->kept;
    merge->removals = &stage->removals;
    merge->exchange = beneath_open(stage->place_fd, "exchange", O_RDONLY | O_DIRECTORY);
    merge->root = merge->exchange < 0 ? -1 : workspace_open();
    if (merge->root >= 0) return true;
    merge->error = errno;
    return false;
}

// Entries that were found equal must still be equal, since they are not staged.
static bool check_kept(const struct stage *stage, struct merge *merge) {
    char path[PATH_MAX];
    const char *destination = stage->destination;
    int root = beneath_open(merge->root, destination, O_RDONLY | O_DIRECTORY);
    bool is_good = kept_check(&stage->kept, root, path);
    merge->error = errno;
    if (root >= 0) close(root);
    if (is_good) return true;
    int length = snprintf(merge->path, sizeof merge->path, "%s%s%s", destination, *destination ? "/" : "", path);
    if (length >= (int)sizeof merge->path) merge->path[0] = '\0';
    return false;
}

static bool run(struct stage *stage, struct merge *merge) {
    const char *mount;
    if (!open_sides(stage, merge)) return false;
    if (!(mount = workspace_find_mount(stage->tree_fd))) return check_kept(stage, merge) && merge_run(merge);
    merge->error = EBUSY;
    snprintf(merge->path, sizeof merge->path, "%s", workspace_relative(mount));
    return false;
}

static void answer_failure(uint32_t stream, const struct merge *merge) {
    char path[2 * PATH_MAX + 2];
    snprintf(path, sizeof path, "%s%s%s", workspace_path(), *merge->path ? "/" : "", merge->path);
    if (merge->is_torn)
        return reply_error(stream, "TORN", merge->error, path, "not switched in, and a part could not be put back");
    stage_reply_failure(stream, merge->error, path, "the tree was not switched in");
}

void commit_answer(uint32_t stream, struct stage *stage) {
    struct merge *merge = calloc(1, sizeof *merge);
    if (!merge) fatal("out of memory");
    merge->root = merge->exchange = -1;
    bool is_done = run(stage, merge);
    if (merge->root >= 0) close(merge->root);
    if (merge->exchange >= 0) close(merge->exchange);
    if (is_done) answer(stream, remember(stage->id, pass_tick()), &stage->removals);
    // After a torn commit the staging directory may have the only copy of replaced entries.
    if (merge->is_torn)
        stage_forget(stage);
    else
        transfer_end(&stage->transfer);
    if (!is_done) answer_failure(stream, merge);
    free(merge);
}
