// The workspace, and the staging directory on its file system.
#ifndef WORKSPACE_H
#define WORKSPACE_H

#include <stdbool.h>

// For PID 1, before the root is changed: both directories are in a mount that no process sees, and `path` shows the workspace.
void workspace_keep(const char *workspace, const char *staging, const char *path);

// For a plain process: the staging directory is a hidden one in the workspace, which exists only while it is needed.
void workspace_use(const char *path);

const char *workspace_path(void);
// Opens the workspace, in the mount of the staging directory. -1 with errno (EBUSY: `path` now shows something else).
int workspace_open(void);
// Reads the owner of the workspace: entries that are made in its stages get the same owner.
void workspace_read_owner(void);
void workspace_own(int folder, const char *name);
// The staging directory, made when it is missing; kept open. -1 with errno.
int workspace_staging(void);
bool workspace_has_staging(void);
// Removes an empty staging directory.
void workspace_leave_staging(void);

// The part of an absolute path below the workspace, "" for itself; NULL when it is elsewhere or not plain.
const char *workspace_relative(const char *path);
// True for an entry in the staging directory, if that is within the workspace.
bool workspace_is_staging(const char *relative);

// The first path of `tree` that is a mount point in the workspace; NULL for none. `tree` has the paths of the workspace.
const char *workspace_find_mount(int tree);

#endif
