// DNS questions without an answer yet. Each gets an id that the gate chooses and the guest cannot reveal to anyone: otherwise
// an attacker who forges the resolver's address could answer instead, and return any address.
#ifndef QUERIES_H
#define QUERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUERIES_MAX = 256 };

// Replaces the id of a question that leaves `by` a flow by the gate's. False when no id is free.
bool queries_number(const void *by, uint8_t *message, size_t length);

// Restores the guest's id in an answer. False when no open question has the answer's id.
bool queries_restore(const void *by, uint8_t *message, size_t length);

#endif
