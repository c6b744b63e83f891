// Names that may be reached, if a network is limited to names, and the addresses in their DNS answers.
#ifndef NAMES_H
#define NAMES_H

#include "address.h"

enum { NAME_BYTES = 256, NAMES_MAX = 64 };

// True for `example.org`, and for `*.example.org`, which stands for its subdomains.
bool names_is_pattern(const char *text);

// Allows a pattern. False for other text, and when there are too many.
bool names_allow(const char *pattern);

// Forgets the allowed names, and the addresses to which they led.
void names_clear(void);

// True once a name has been allowed: then only allowed names are reached.
bool names_are_required(void);
bool names_is_allowed(const char *name);

// Addresses in a resolver's answer for an allowed name. Kept for an hour at least.
void names_learn(const struct address *address, uint32_t ttl_s);
bool names_is_learned(const struct address *address);

#endif
