// Renames and exchanges entries of two directories. All return false with errno, and then nothing has changed.
#ifndef SWAP_H
#define SWAP_H

#include <stdbool.h>

// Renames to a name that no entry has; else EEXIST.
bool swap_rename(int from, const char *name, int to, const char *new_name);

// Moves `name` to a directory that has no entry of that name.
bool swap_move(int from, int to, const char *name);

// Exchanges two existing entries; a second call undoes that. `exchange` is a directory of the same mount without an entry `name`.
bool swap_exchange(int from, int to, const char *name, int exchange);

#endif
