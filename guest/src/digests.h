// Digests of files that were hashed before, so that an unchanged tree is not read again.
#ifndef DIGESTS_H
#define DIGESTS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "sha256.h"

// False when the file is unknown or was changed since.
bool digests_find(const struct stat *file, uint8_t digest[SHA256_BYTES]);

// True when a later change of this file, which was looked at after `since`, shows in its times.
bool digests_is_calm(const struct stat *file, struct timespec since);

// Keeps the digest of a file that looked so before and after it was read, both later than `since`, a time of the coarse clock. One that
// was changed not long before that is not kept: file systems take their times from that clock, which on a busy host may stand still for
// a tenth of a second and longer, so that the next change would have the same time.
void digests_keep(const struct stat *file, const uint8_t digest[SHA256_BYTES], struct timespec since);

#endif
