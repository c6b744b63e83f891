// The operation `stat`: one name, links not followed, and the room left on its file system.
#ifndef STAT_H
#define STAT_H

#include <stdint.h>
#include <sys/types.h>

void stat_answer(uint32_t stream, const char *path);

// "file", "directory", "symlink" or "other".
const char *stat_type(mode_t mode);

#endif
