// Answers: lines of JSON on standard output.
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "json_out.h"

// Begins a line about a request; end it with reply_send.
struct json_out reply_begin(int64_t id);
// The same for an event of a watch.
struct json_out reply_begin_event(int64_t watch);
void reply_send(struct json_out *out);

// The last line of an answer.
void reply_done(int64_t id);
// The last line of one that failed: the name of an errno, and a message for people.
void reply_failed(int64_t id, int error, const char *message);

// Writes the collected lines out; called before the program waits.
void reply_flush(void);

#endif
