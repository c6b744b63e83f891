// The operation `remove`: one name, with all its entries if `recursive` is set.
#ifndef REMOVE_H
#define REMOVE_H

#include <stdint.h>

#include "json.h"

void remove_start(uint32_t stream, struct json request);

#endif
