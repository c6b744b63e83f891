// The operation `fetch`: chosen entries below a directory, with content.
#ifndef FETCH_H
#define FETCH_H

#include <stdint.h>

#include "json.h"

// Answers by itself, at once when it cannot begin.
void fetch_start(uint32_t stream, struct json request);

#endif
