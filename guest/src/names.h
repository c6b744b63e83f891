// Paths in JSON: as text, or as base64 under `<field>_base64` when they are not UTF-8 or too long to escape.
#ifndef NAMES_H
#define NAMES_H

#include <limits.h>

#include "json.h"

// False when both fields are missing, or the name is empty, too long or contains a NUL.
bool names_read(struct json object, const char *field, char out[PATH_MAX]);

#endif
