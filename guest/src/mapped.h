// Files that processes have mapped shared. A write to one shows in its times only at the first touch of a page.
#ifndef MAPPED_H
#define MAPPED_H

#include <stdbool.h>
#include <sys/types.h>

// Records the files that are mapped now, in all processes.
void mapped_look(void);

// Whether a file of this inode number, on any device, was mapped at the last mapped_look.
bool mapped_has(ino_t inode);

#endif
