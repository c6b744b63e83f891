// The operation `start`: from a request's fields to a running job.
#ifndef START_H
#define START_H

#include <stdint.h>

#include "json.h"

void start_answer(uint32_t stream, struct json request);

#endif
