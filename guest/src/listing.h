// The names in a directory, without `.` and `..`.
#ifndef LISTING_H
#define LISTING_H

#include <dirent.h>

// Duplicates the given descriptor; NULL with errno.
DIR *listing_open(int folder);

// NULL at the end (errno 0) or on failure.
const struct dirent *listing_next(DIR *listing);

#endif
