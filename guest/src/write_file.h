// Small files of the guest's configuration.
#ifndef WRITE_FILE_H
#define WRITE_FILE_H

#include <stdbool.h>

// Replaces the file's content: in place when it is as long, otherwise by a rename. No reader sees half of it, and no link is followed.
// False with errno.
bool write_file(const char *path, const char *content);

#endif
