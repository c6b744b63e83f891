// The operation `fetch`: chosen entries below a directory, with content.
#ifndef FETCH_H
#define FETCH_H

#include <stdint.h>

#include "json.h"

// Sends its answer itself; at once if it cannot begin.
void fetch_start(uint32_t stream, struct json request);

#endif
