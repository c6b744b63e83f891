// Stamps: a stamp is a text that names one state of a file. The agent sends it with the content; the host returns it with the content's
// digest.
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
