// The operations `mkdir` and `rename`: one name each, at once.
#ifndef RENAME_H
#define RENAME_H

#include <stdint.h>

#include "json.h"

void mkdir_answer(uint32_t stream, struct json request);
void rename_answer(uint32_t stream, struct json request);

#endif
