// Removal of what may be large: a few names a turn, so that the agent goes on.
#ifndef TRASH_H
#define TRASH_H

#include <stdbool.h>

// Takes `name` out of the staging directory for ever.
void trash_add(const char *name);

// Removes what an earlier life left: everything whose name is not `is_kept`.
void trash_sweep(int (*is_kept)(const char *name));

// True while something is left to remove.
bool trash_has_more(void);

// Removes a few names.
void trash_step(void);

#endif
