// The operation `wake`: gives this VM its own identity, different from other VMs with the same memory.
#ifndef WAKE_H
#define WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

// Answers; true when the agent may now start commands. A fork is woken for the second time: connections of its parent end.
bool wake(uint32_t stream, struct json request, bool is_fork);

#endif
