// Removal of what may be large: done by a child, so that the agent goes on.
#ifndef TRASH_H
#define TRASH_H

#include <sys/types.h>

// Takes `name` out of the staging directory for ever.
void trash_add(const char *name);

// Removes what an earlier life left: everything whose name is not `is_kept`.
void trash_sweep(int (*is_kept)(const char *name));

void trash_reaped(pid_t pid);

// Waits for the child; before the agent leaves.
void trash_wait(void);

#endif
