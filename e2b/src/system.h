// Facts of the guest, and signals to its processes.
#ifndef SYSTEM_H
#define SYSTEM_H

#include "json.h"

void system_metrics(int64_t id);
void system_signal(int64_t id, struct json request);
// Answers with the number, group and home of a user.
void system_user(int64_t id, struct json request);

#endif
