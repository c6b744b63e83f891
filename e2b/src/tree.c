#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "place.h"
#include "reply.h"

// The place that a request names; false when it was answered with a failure.
static bool read_place(int64_t id, struct json request, struct place_user *user, char path[PATH_MAX]) {
    int error = place_user(request, user);
    if (!error) error = place_path(request, "path", user, path);
    if (error) reply_failed(id, error, NULL);
    return !error;
}

static int compare(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_named(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

// Sends the entries below a directory, parents before children. An entry that vanishes meanwhile is left out.
static int list_below(int64_t id, const char *path, int64_t depth) {
    struct dirent **names;
    int count = scandir(path, &names, is_named, compare);
    if (count < 0) return errno;
    for (int i = 0; i < count; i++) {
        char child[PATH_MAX];
        int length = snprintf(child, sizeof child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, names[i]->d_name);
        bool is_directory = names[i]->d_type == DT_DIR;
        free(names[i]);
        if (length >= (int)sizeof child) continue;
        struct json_out out = reply_begin(id);
        if (entry_add(&out, child) != 0) continue;
        reply_send(&out);
        if (is_directory && depth > 1) (void)list_below(id, child, depth - 1);
    }
    free(names);
    return 0;
}

void tree_list(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    struct json field;
    int64_t depth = 1;
    if (json_field(request, "depth", &field) && !json_integer(field, 0, 1000000, &depth))
        return reply_failed(id, EINVAL, "depth");
    if (!read_place(id, request, &user, path)) return;
    struct stat known;
    if (stat(path, &known) != 0) return reply_failed(id, errno, NULL);
    if (!S_ISDIR(known.st_mode)) return reply_failed(id, ENOTDIR, NULL);
    int error = list_below(id, path, depth < 1 ? 1 : depth);
    if (error) return reply_failed(id, error, NULL);
    reply_done(id);
}

void tree_make(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    if (!read_place(id, request, &user, path)) return;
    struct stat known;
    if (stat(path, &known) == 0) return reply_failed(id, S_ISDIR(known.st_mode) ? EEXIST : ENOTDIR, NULL);
    int error = place_make_parents(path, &user, true);
    if (error) return reply_failed(id, error, NULL);
    entry_reply(id, path);
}

void tree_move(int64_t id, struct json request) {
    struct place_user user;
    char from[PATH_MAX], to[PATH_MAX];
    if (!read_place(id, request, &user, from)) return;
    int error = place_path(request, "to", &user, to);
    struct stat known;
    if (!error && lstat(from, &known) != 0) error = errno;
    if (!error) error = place_make_parents(to, &user, false);
    if (!error && rename(from, to) != 0) error = errno;
    if (error) return reply_failed(id, error, NULL);
    entry_reply(id, to);
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place) {
    (void)facts, (void)type, (void)place;
    return remove(path) == 0 || errno == ENOENT ? 0 : errno;
}

void tree_remove(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    if (!read_place(id, request, &user, path)) return;
    int error = nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS);
    if (error == -1) error = errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    if (error) return reply_failed(id, error, NULL);
    reply_done(id);
}
