// Every operation a host can ask for, by name.
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>

#include "frame.h"

enum agent_mode { MODE_PROCESS, MODE_INIT };

void request_open(enum agent_mode mode);
bool request_is_init(void);
void request_hello(void);

// Answers, now or later; never breaks the session.
void request_handle(const struct frame *frame);

#endif
