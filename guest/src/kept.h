// Notes of entries that a stage found equal in the workspace, and so did not stage.
#ifndef KEPT_H
#define KEPT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct kept {
    char *notes;
    size_t used, room;
    char folder[PATH_MAX]; // of the last note
    bool has_folder;
};

// Records the present state of an entry. False with errno ENOMEM.
bool kept_add(struct kept *kept, const char *folder, const char *name, const struct stat *found);

// True when all entries are unchanged. False with errno (ESTALE: another process has changed one) and its path.
bool kept_check(const struct kept *kept, int root, char path[PATH_MAX]);

// Whether one of them is this file, perhaps under another name.
bool kept_has(const struct kept *kept, ino_t inode);

void kept_free(struct kept *kept);

#endif
