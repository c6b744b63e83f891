// DNS questions without an answer yet. The gate gives each an id of its own, which the guest does not know. Otherwise the guest could
// reveal its id to an attacker who forges the resolver's address and answers with any address.
#ifndef QUERIES_H
#define QUERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUERIES_MAX = 256 };

// Replaces the guest's id of a question by one of the gate's; the question leaves through the flow `by`. False when no id is free.
bool queries_number(const void *by, uint8_t *message, size_t length);

// Restores the guest's id in an answer. False when no open question has the answer's id.
bool queries_restore(const void *by, uint8_t *message, size_t length);

#endif
