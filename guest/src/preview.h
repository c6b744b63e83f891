// The effect of an entry on the workspace, for a stage that only compares and writes nothing.
#ifndef PREVIEW_H
#define PREVIEW_H

#include "stage.h"

// The same as entry_begin, entry_write and entry_end, but they only compare.
bool preview_begin(struct stage *stage);
bool preview_write(struct stage *stage, const uint8_t *bytes, size_t size);
bool preview_end(struct stage *stage);

// Called after the last record, with sorted removals, which it counts. Returns 0, or the errno of a conflict that a commit would find; the
// parser's record then has its path.
int preview_finish(struct stage *stage);

#endif
