// Resolves a path of the guest to an open directory and a last name, so that a process of the guest cannot redirect later operations.
#ifndef LOCATE_H
#define LOCATE_H

#include <limits.h>
#include <stdbool.h>

struct located {
    int folder; // the directory that has the name; the caller closes it
    char name[NAME_MAX + 1];
};

enum locate_flags {
    LOCATE_FOLLOWS = 1, // follows a link as the last name
    LOCATE_MAKES = 2,   // directories that are missing are made (0755)
};

// Links above the last name are followed. False with errno: EBUSY for the root, EINVAL for a last part of `.` or `..`.
bool locate(const char *path, int flags, struct located *located);

#endif
