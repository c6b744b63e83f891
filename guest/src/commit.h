// The operations `commit` and `committed`: the first switches a staged tree in, the second reports how an earlier commit ended.
#ifndef COMMIT_H
#define COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

// Answers when the workspace has all of it, or is unchanged. The stage has ended then.
void commit_answer(uint32_t stream, struct stage *stage);

void commit_answer_known(uint32_t stream, const char *id);

#endif
