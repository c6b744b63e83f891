// Mode and times of directories, set last, when their content is complete.
#ifndef FOLDERS_H
#define FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct folder {
    size_t number; // in the order of arrival
    mode_t mode;
    bool is_met; // the directory exists in the workspace too; the merge sets its mode there
    struct timespec mtime;
    char path[];
};

struct folders {
    struct folder **list;
    size_t count, room;
};

// False with errno ENOMEM. `path` is below the tree's root.
bool folders_add(struct folders *folders, const char *path, mode_t mode, struct timespec mtime);

// Called after the last record; drops folders that a later record of the same path replaces.
void folders_sort(struct folders *folders);

// Needs sorted folders. Sets mode and time on each new directory of the tree. NULL, or the folder that failed with errno.
const struct folder *folders_settle(const struct folders *folders, int tree);

// Needs sorted folders. NULL when no record named the directory.
struct folder *folders_find(const struct folders *folders, const char *path);
void folders_free(struct folders *folders);

#endif
