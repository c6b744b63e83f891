// Records of entries that their source no longer has: a stage notes which of them to remove.
#ifndef ABSENT_H
#define ABSENT_H

#include "stage.h"

bool absent_is(const struct record *record);

// Notes the removal that the stage's current record asks for. False with errno.
bool absent_begin(struct stage *stage);

#endif
