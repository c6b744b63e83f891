// The digest of a file that may be large and may change meanwhile.
#ifndef HASHING_H
#define HASHING_H

#include <stdbool.h>
#include <sys/stat.h>

#include "sha256.h"

struct hashing {
    int fd; // -1 when nothing is being hashed
    struct stat before;
    int64_t left;
    struct sha256 sha;
};

// Opens the entry of that name in the folder; false when it is not a readable file.
bool hashing_begin(struct hashing *hashing, int folder, const char *name);

// Reads a part; false at the end.
bool hashing_go_on(struct hashing *hashing);

// True when nothing of a file has changed that its times would show.
bool hashing_is_same(const struct stat *before, const struct stat *now);

// Closes the file. False when it has changed since it was opened; then it has no digest.
bool hashing_end(struct hashing *hashing, uint8_t digest[SHA256_BYTES]);

#endif
