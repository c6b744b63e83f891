// The operation `remove`: one name, with all that is in it when that is asked for.
#ifndef REMOVE_H
#define REMOVE_H

#include <stdint.h>

#include "json.h"

void remove_start(uint32_t stream, struct json request);

#endif
