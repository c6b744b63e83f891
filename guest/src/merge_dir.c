#include "merge_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

enum { FIRST_ROOM = 256 };

bool merge_dir_add(struct merge *merge, const char *folder, const char *name) {
    size_t room = strlen(folder) + strlen(name) + 2;
    struct merge_dir *dir = room > PATH_MAX ? NULL : calloc(1, sizeof *dir + room);
    if (!dir) {
        errno = room > PATH_MAX ? ENAMETOOLONG : ENOMEM;
        return false;
    }
    snprintf(dir->path, room, "%s%s%s", folder, *folder ? "/" : "", name);
    dir->before = merge->last;
    if (merge->last)
        merge->last->following = dir;
    else
        merge->first = dir;
    merge->last = dir;
    return true;
}

void merge_dirs_free(struct merge *merge) {
    for (struct merge_dir *dir = merge->first, *following; dir; dir = following) {
        following = dir->following;
        free(dir->steps);
        free(dir);
    }
    merge->first = merge->last = NULL;
}

bool merge_dir_open(const struct merge *merge, const struct merge_dir *dir, struct merge_dir_fds *fds) {
    fds->staged = beneath_open(merge->tree, dir->path, O_RDONLY | O_DIRECTORY);
    fds->place = fds->staged < 0 ? -1 : beneath_open(merge->root, dir->path, O_RDONLY | O_DIRECTORY);
    if (fds->place >= 0) return true;
    int error = errno;
    if (fds->staged >= 0) close(fds->staged);
    errno = error;
    return false;
}

void merge_dir_close(struct merge_dir_fds fds) {
    close(fds.staged);
    close(fds.place);
}

bool merge_dir_add_step(struct merge_dir *dir, enum step step, const char *name) {
    size_t length = strlen(name), need = dir->steps_used + length + 2;
    if (need > dir->steps_capacity) {
        size_t room = dir->steps_capacity ? dir->steps_capacity : FIRST_ROOM;
        while (room < need) room *= 2;
        char *steps = realloc(dir->steps, room);
        if (!steps) return false;
        dir->steps = steps;
        dir->steps_capacity = room;
    }
    char *at = dir->steps + dir->steps_used;
    *at = (char)step;
    memcpy(at + 1, name, length + 1);
    dir->steps_used = need;
    return true;
}

char *merge_dir_pop_step(struct merge_dir *dir) {
    if (dir->steps_used == 0) return NULL;
    size_t at = dir->steps_used - 1;
    while (at > 0 && dir->steps[at - 1]) at--;
    dir->steps_used = at;
    return dir->steps + at;
}

bool merge_dir_is_closed(const struct merge_dir *dir) { return (dir->mode & 0700) != 0700; }

bool merge_dir_let_in(const struct merge_dir *dir, int fd) {
    return !merge_dir_is_closed(dir) || fchmod(fd, dir->mode | 0700) == 0;
}
