// Records of entries that their source no longer has: a stage notes what of them is to go.
#ifndef ABSENT_H
#define ABSENT_H

#include "stage.h"

bool absent_is(const struct record *record);

// False with errno.
bool absent_begin(struct stage *stage);

#endif
