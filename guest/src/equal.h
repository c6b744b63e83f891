// A file that comes in against the one in its place in the workspace: what is equal already is not staged.
#ifndef EQUAL_H
#define EQUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "record.h"

enum { HELD_MAX_BYTES = 262144 };

struct equal {
    int fd; // of the file in its place; -1: there is none, or it differs
    bool is_held; // nothing is staged before its whole content has come
    struct stat old;
    uint8_t *held;  // HELD_MAX_BYTES, once a file was held
    int64_t have;   // bytes compared or held
};

void equal_init(struct equal *equal);
// Drops the file at hand.
void equal_close(struct equal *equal);
void equal_free(struct equal *equal);

// Begins with a file's record. `folder` is the workspace's, or -1.
void equal_open(struct equal *equal, int folder, const char *name, const struct record *record);

// The next bytes of the content.
void equal_add(struct equal *equal, const uint8_t *bytes, size_t size);

// Once all has come.
bool equal_is(struct equal *equal);

#endif
