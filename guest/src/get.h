// The operation `get`: a tree, or one entry, with content.
#ifndef GET_H
#define GET_H

#include <stdint.h>

#include "json.h"

// Sends its answer itself; at once if it cannot begin.
void get_start(uint32_t stream, struct json request);

#endif
