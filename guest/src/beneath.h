// Names resolved beneath a directory: never above it, never through a symbolic link.
#ifndef BENEATH_H
#define BENEATH_H

#include <stdbool.h>

// True for a relative path without an empty, `.` or `..` component.
bool beneath_is_plain(const char *path);

// Both return a descriptor, or -1 with errno; ELOOP and EXDEV mean that the path leads out of the root. `path` is plain, or "" for the
// root itself.
int beneath_open(int root, const char *path, int flags);

// Opens a directory, making it and its parents (0755) where they are missing.
int beneath_make(int root, const char *path);

#endif
