// Stamps: texts with which the host names the state of a file whose content it received, and gives the agent its digest.
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "json.h"
#include "record.h"

// False when a later change of the file might not show in its times.
bool stamp_write(const struct stat *file, struct timespec looked, char stamp[STAMP_MAX_BYTES]);

// Answers `learn`: keeps digests as a list does.
void stamp_learn(uint32_t stream, struct json request);

#endif
