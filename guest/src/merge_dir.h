// A directory that a merge finds on both sides, and the log of its changes there.
#ifndef MERGE_DIR_H
#define MERGE_DIR_H

#include "merge.h"

enum step {
    STEP_MOVE = 'm',
    STEP_SWAP = 's',
    STEP_REMOVE = 'r',
    STEP_MOVED = 'M',
    STEP_SWAPPED = 'S',
    STEP_REMOVED = 'R',
};

struct merge_dir {
    struct merge_dir *following, *before;
    const struct folder *folder; // its record, if it has one
    mode_t mode;                 // before the merge, as `mtime`
    struct timespec mtime;
    bool is_touched;
    char *steps; // each a `step`, the name and a NUL
    size_t steps_used, steps_capacity;
    char path[];
};

struct merge_dir_fds {
    int staged, place;
};

// False with errno. Appends to the merge's list; `name` is "" for the root.
bool merge_dir_add(struct merge *merge, const char *folder, const char *name);
void merge_dirs_free(struct merge *merge);

bool merge_dir_open(const struct merge *merge, const struct merge_dir *dir, struct merge_dir_fds *fds);
void merge_dir_close(struct merge_dir_fds fds);

bool merge_dir_add_step(struct merge_dir *dir, enum step step, const char *name);
// Removes and returns the last step; NULL when the log is empty. The pointer is valid until the next step is added.
char *merge_dir_pop_step(struct merge_dir *dir);

// True when its mode does not let the owner change its entries.
bool merge_dir_is_closed(const struct merge_dir *dir);
// Lets the owner change its entries during the merge.
bool merge_dir_let_in(const struct merge_dir *dir, int fd);

#endif
