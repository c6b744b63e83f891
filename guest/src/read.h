// The operation `read`: bytes of one file.
#ifndef READ_H
#define READ_H

#include <stdint.h>

#include "json.h"

// Sends the answer when the work is done, or at once when the request is refused.
void read_start(uint32_t stream, struct json request);

#endif
