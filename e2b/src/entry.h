// The facts of a file that the gateway gets.
#ifndef ENTRY_H
#define ENTRY_H

#include "json_out.h"

// The fields of a path in an object `entry`. 0 or an errno, and then nothing is written.
int entry_add(struct json_out *out, const char *path);

// The answer to a question about one path: the entry and the end, or the failure.
void entry_reply(int64_t id, const char *path);

#endif
