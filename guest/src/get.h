// The operation `get`: a tree, or one entry, with content.
#ifndef GET_H
#define GET_H

#include <stdint.h>

#include "json.h"

// Sends the answer when the work is done, or at once when the request is refused.
void get_start(uint32_t stream, struct json request);

#endif
