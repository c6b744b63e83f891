// Switches a tree into a directory of the same mount, all of it or nothing.
#ifndef MERGE_H
#define MERGE_H

#include <limits.h>
#include <stdbool.h>

#include "folders.h"
#include "kept.h"
#include "removals.h"

struct merge {
    int tree, root, aside;
    const struct folders *folders; // sorted
    const struct kept *kept;
    struct removals *removals; // sorted
    struct meeting *first, *last;
    // Of a failure:
    int error;
    char path[PATH_MAX];
    bool is_torn; // undoing it failed too
};

// False with the failure's fields set. The tree then holds again what it held, unless torn; after success, what was replaced.
bool merge_run(struct merge *merge);

#endif
