// The operation `list`: the entries of a tree without content. With digests it is a manifest.
#ifndef LIST_H
#define LIST_H

#include <stdint.h>

#include "json.h"

// Sends the answer when the work is done, or at once when the request is refused.
void list_start(uint32_t stream, struct json request);

#endif
