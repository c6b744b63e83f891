// The operation `fetch`: chosen entries below a directory, with content.
#ifndef FETCH_H
#define FETCH_H

#include <stdint.h>

#include "json.h"

// Sends the answer when the work is done, or at once when the request is refused.
void fetch_start(uint32_t stream, struct json request);

#endif
