// Compares an incoming file with the workspace's file of that name. An equal file is not staged.
#ifndef EQUAL_H
#define EQUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fill.h"
#include "record.h"

struct equal {
    int fd; // of the workspace's file; -1: it does not exist, or it differs
    bool is_held; // nothing is staged yet: the received bytes are in memory, or equal to the old file's
    bool is_in_memory;
    struct stat old;
    uint8_t *held; // HELD_MAX_BYTES, once a file was held in memory
    int64_t have;  // bytes compared or held
};

void equal_init(struct equal *equal);
// Closes the old file, and forgets what was compared with it.
void equal_close(struct equal *equal);
void equal_free(struct equal *equal);

// Begins with a file's record. `folder` is the workspace's, or -1.
void equal_open(struct equal *equal, int folder, const char *name, const struct record *record);

// Takes the next bytes of the content. `is_held` becomes false when they are the first that differ from the old file.
void equal_add(struct equal *equal, const uint8_t *bytes, size_t size);

// Called once `is_held` is false: writes the bytes that were equal so far, from the old file. False with errno (ESTALE: the old file has
// changed).
bool equal_copy(struct equal *equal, struct fill *fill);

// Called after the last byte: whether the content equals the old file.
bool equal_is(struct equal *equal);

#endif
