// Questions on their way to a resolver. Each has a number of ours, which the guest cannot tell to anyone: else
// an attacker who forges the resolver's address could answer instead, and return any address.
#ifndef ASKED_H
#define ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASKED_MAX = 256 };

// Puts our number into a question that goes out `by` a flow. False when no number is free.
bool asked_number(const void *by, uint8_t *message, size_t length);

// Puts the guest's number back into an answer. False when nothing was asked under this one, or it has been answered.
bool asked_restore(const void *by, uint8_t *message, size_t length);

#endif
