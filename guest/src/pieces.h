// Where the data of a sparse file is.
#ifndef PIECES_H
#define PIECES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { PIECES_MAX = 200 };

struct piece {
    int64_t offset, bytes;
};

// In order; between them, before the first and after the last are holes.
struct pieces {
    int count;
    struct piece all[PIECES_MAX];
};

// Finds the data of an open file. With more pieces than fit, the shortest holes count as data. False when the holes save less than
// their list costs, or the file system does not tell them. Moves the file's position.
bool pieces_find(int fd, const struct stat *entry, struct pieces *pieces);

#endif
