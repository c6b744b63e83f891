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
// Drops the file at hand.
void equal_close(struct equal *equal);
void equal_free(struct equal *equal);

// Begins with a file's record. `folder` is the workspace's, or -1.
void equal_open(struct equal *equal, int folder, const char *name, const struct record *record);

// The next bytes of the content. When they are the first to differ from an old file that held the ones before, that ends.
void equal_add(struct equal *equal, const uint8_t *bytes, size_t size);

// Then: writes the equal bytes from the old file. False with errno (ESTALE: it has changed meanwhile).
bool equal_copy(struct equal *equal, struct fill *fill);

// Once all has come.
bool equal_is(struct equal *equal);

#endif
