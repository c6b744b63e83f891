// The operations `commit` and `committed`: a staged tree is switched in, and that it was is remembered.
#ifndef COMMIT_H
#define COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

// Answers once all is in, or all is as it was. The stage is gone then.
void commit_answer(uint32_t stream, struct stage *stage);

bool commit_is_known(const char *id);

#endif
