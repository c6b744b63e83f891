// A walk over a tree, depth first, the names of a directory in the order of their bytes. Links are not followed.
#ifndef TREE_H
#define TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum tree_event {
    TREE_BUSY,   // a part of a directory was read: come back
    TREE_ENTRY,  // the entry is in `folder`, `name`, `stat` and `path`
    TREE_LEAVE,  // the directory `name` in `folder` is at its end
    TREE_END,    // the first directory is at its end
    TREE_FAILED, // with errno
};

struct tree {
    struct level *level;
    int depth;
    size_t held_bytes; // names of all levels
    const char *after; // the rest of the cursor, for the next directory
    // The current entry.
    int folder;
    const char *name;
    struct stat stat;
    bool is_told; // the cursor, or a directory above it: an earlier page had this entry
    char path[PATH_MAX]; // from the first directory on
};

// Begins in a directory and owns its descriptor. A cursor is a path, which need not exist: the walk visits only the entries after it and
// the directories above it. The caller keeps the cursor's memory.
bool tree_begin(struct tree *tree, int fd, const char *after);

// Skips names that were removed since they were listed.
enum tree_event tree_next(struct tree *tree);

// Descends into the current directory. False with errno: EXDEV for a mount point.
bool tree_enter(struct tree *tree);

void tree_close(struct tree *tree);

#endif
