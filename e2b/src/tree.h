// Directories: listing, making, moving and removing.
#ifndef TREE_H
#define TREE_H

#include "json.h"

void tree_list(int64_t id, struct json request);
void tree_make(int64_t id, struct json request);
void tree_move(int64_t id, struct json request);
void tree_remove(int64_t id, struct json request);

#endif
