// Entries of the workspace that a staged entry of another type replaces: a directory by a file or link, a file or link by a directory.
#ifndef REPLACE_H
#define REPLACE_H

#include <limits.h>

#include "removals.h"

// Returns 0 when the removals name the entry `name` of the folder `fd`, and everything in it, and the guest has changed none of it.
// Otherwise returns the errno of the conflict, ENOTEMPTY for an entry that would be lost; `blocker` is then its path. `folder` is the
// folder's path in the list. Adds the number of entries in a directory to `*removed`.
int replace_check(const struct removals *removals, int fd, const char *folder, const char *name, char blocker[PATH_MAX], int64_t *removed);

#endif
