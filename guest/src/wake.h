// The operation `wake`: what makes this VM differ from all the others with the same memory.
#ifndef WAKE_H
#define WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

// Answers; true when the agent may now start commands.
bool wake(uint32_t stream, struct json request);

#endif
