// Digests of files that were hashed before, so that an unchanged tree is not read again.
#ifndef DIGESTS_H
#define DIGESTS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "sha256.h"

// False when the file is unknown or was changed since.
bool digests_find(const struct stat *file, uint8_t digest[SHA256_BYTES]);

// True when a later change of this file would show in its times. `since` is a time before the file was looked at.
bool digests_is_calm(const struct stat *file, struct timespec since);

// Keeps the digest of a file that had this stat before and after it was read, both later than `since`, a time of the coarse clock. A file
// that was changed shortly before `since` is not kept. File systems take their times from that clock, which may stand still for a tenth of
// a second or longer on a busy host, so the next change could get the same time.
void digests_keep(const struct stat *file, const uint8_t digest[SHA256_BYTES], struct timespec since);

#endif
