// Users of the guest, and the paths that they name.
#ifndef PLACE_H
#define PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "json.h"

struct place_user {
    uid_t uid;
    gid_t gid;
    char name[128];
    char home[PATH_MAX];
};

// Reads the field `user`. 0, or an errno: EKEYREJECTED for a user that does not exist.
int place_user(struct json request, struct place_user *user);

// The absolute path of a field: `~` and relative paths begin at the user's home; `.`, `..` and double slashes are resolved as text.
int place_path(struct json request, const char *name, const struct place_user *user, char out[PATH_MAX]);

// Makes the missing directories of a path (0755, the user's). `whole`: the last name too.
int place_make_parents(const char *path, const struct place_user *user, bool whole);

#endif
