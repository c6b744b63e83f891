// The operation `write`: one file, replaced at once when all content has arrived, or appended to.
#ifndef WRITE_H
#define WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

// Sends the answer when the work is done, or at once when the request is refused.
void write_start(uint32_t stream, struct json request);

// True for the name of an unfinished file of `write`.
bool write_is_temporary(const char *name);

#endif
