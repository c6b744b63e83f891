// The operation `write`: one file, replaced at once when all content has arrived, or appended to.
#ifndef WRITE_H
#define WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

// Sends its answer itself; at once if it cannot begin.
void write_start(uint32_t stream, struct json request);

// True for the name of an unfinished file of `write`.
bool write_is_temporary(const char *name);

#endif
