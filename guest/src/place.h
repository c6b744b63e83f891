// The workspace's entry with the name of the entry that is being staged.
#ifndef PLACE_H
#define PLACE_H

#include "stage.h"

// Splits the record's path into the stage's folder and name. False when the folder differs from the previous entry's.
bool place_is_same_folder(struct stage *stage);

// Opens the folder in the workspace; true also when it is missing. False with errno.
bool place_open_folder(struct stage *stage);

// False when nothing has the name.
bool place_find(const struct stage *stage, struct stat *old);

// True for a symbolic link that holds the record's target.
bool place_is_link(const struct stage *stage, struct stat *old);

// The folder with the file that a hard link's record names, below a root; -1 with errno.
int place_open_target(const struct stage *stage, int root, struct stat *found);

// A directory that has its record's mode counts as unchanged: nothing else of it is set.
void place_count_root(struct stage *stage);
void place_count_directory(struct stage *stage);

#endif
