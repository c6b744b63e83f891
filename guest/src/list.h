// The operation `list`: the entries of a tree without content. With digests it is a manifest.
#ifndef LIST_H
#define LIST_H

#include <stdint.h>

#include "json.h"

// Sends its answer itself; at once if it cannot begin.
void list_start(uint32_t stream, struct json request);

#endif
