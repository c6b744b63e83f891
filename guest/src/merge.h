// Renames the entries of a staged tree into a directory of the same mount: all of them or none.
#ifndef MERGE_H
#define MERGE_H

#include <limits.h>
#include <stdbool.h>

#include "folders.h"
#include "kept.h"
#include "removals.h"

struct merge {
    int tree, root, exchange;
    const struct folders *folders; // sorted
    const struct kept *kept;
    struct removals *removals; // sorted
    struct merge_dir *first, *last;
    // Set on failure:
    int error;
    char path[PATH_MAX];
    char blocker[PATH_MAX]; // of an entry of another type: see replace_check
    bool is_torn; // the undo failed too
};

// On failure returns false with the failure's fields set, and restores the tree unless it is torn. On success the tree holds the replaced entries.
bool merge_run(struct merge *merge);

#endif
