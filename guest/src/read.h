// The operation `read`: bytes of one file.
#ifndef READ_H
#define READ_H

#include <stdint.h>

#include "json.h"

// Sends its answer itself; at once if it cannot begin.
void read_start(uint32_t stream, struct json request);

#endif
