// A directory that a merge finds on both sides, and the log of its changes there.
#ifndef MEETING_H
#define MEETING_H

#include "merge.h"

enum step {
    STEP_MOVE = 'm',
    STEP_SWAP = 's',
    STEP_REMOVE = 'r',
    STEP_MOVED = 'M',
    STEP_SWAPPED = 'S',
    STEP_REMOVED = 'R',
};

struct meeting {
    struct meeting *following, *before;
    const struct folder *folder; // its record, if it has one
    mode_t mode;                 // as they were
    struct timespec mtime;
    bool is_touched;
    char *steps; // each a `step`, the name and a NUL
    size_t steps_used, steps_room;
    char path[];
};

struct meeting_fds {
    int staged, place;
};

// False with errno. Appends to the merge's list; `name` is "" for the root.
bool meeting_add(struct merge *merge, const char *folder, const char *name);
void meetings_free(struct merge *merge);

bool meeting_open(const struct merge *merge, const struct meeting *meeting, struct meeting_fds *fds);
void meeting_close(struct meeting_fds fds);

bool meeting_add_step(struct meeting *meeting, enum step step, const char *name);
// Removes the last one; NULL when the log is empty. It stays valid until the next one is added.
char *meeting_pop_step(struct meeting *meeting);

// Its owner's rights do not suffice to change what is in it.
bool meeting_is_closed(const struct meeting *meeting);
// Gives the owner those rights for the time being.
bool meeting_let_in(const struct meeting *meeting, int fd);

#endif
