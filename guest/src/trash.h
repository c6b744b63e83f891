// Removes large trees a few names per turn, so that the agent stays responsive.
#ifndef TRASH_H
#define TRASH_H

#include <stdbool.h>

// Takes `name` out of the staging directory, to be removed.
void trash_add(const char *name);

// Removes leftovers of an earlier agent: every entry whose name is not `is_kept`.
void trash_sweep(int (*is_kept)(const char *name));

// True while something is left to remove.
bool trash_has_more(void);

// Removes a few names.
void trash_step(void);

#endif
