#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

static bool join(char path[PATH_MAX], const char *folder, const char *name) {
    bool fits = snprintf(path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name) < PATH_MAX;
    if (!fits) *path = '\0';
    return fits;
}

static bool may_go(const struct removals *removals, char *path, const struct stat *found) {
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const struct removal *removal = removals_get(removals, path, slash + 1, S_ISDIR(found->st_mode));
    *slash = '/';
    return removal && removal_fits(removal, found);
}

static int check_directory(const struct removals *removals, int fd, char blocker[PATH_MAX], int64_t *removed) {
    char base[PATH_MAX];
    struct tree tree = {0};
    enum tree_event event = TREE_BUSY;
    int error = tree_begin(&tree, fd, NULL) ? 0 : errno;
    strcpy(base, blocker);
    while (!error && event != TREE_END) {
        event = tree_next(&tree);
        if (event == TREE_FAILED) error = errno;
        if (event != TREE_ENTRY) continue;
        if (!join(blocker, base, tree.path))
            error = ENAMETOOLONG;
        else if (!may_go(removals, blocker, &tree.stat))
            error = ENOTEMPTY;
        else if (S_ISDIR(tree.stat.st_mode) && !tree_enter(&tree))
            error = errno == EXDEV ? EBUSY : errno;
        *removed += !error;
    }
    tree_close(&tree);
    return error;
}

int replace_check(const struct removals *removals, int fd, const char *folder, const char *name, char blocker[PATH_MAX], int64_t *removed) {
    struct stat old;
    if (!join(blocker, folder, name)) return ENAMETOOLONG;
    if (fstatat(fd, name, &old, AT_SYMLINK_NOFOLLOW) < 0) return errno;
    bool is_directory = S_ISDIR(old.st_mode);
    struct removal *removal = removals_get(removals, folder, name, is_directory);
    if (!removal || !removal_fits(removal, &old)) return is_directory ? EISDIR : S_ISLNK(old.st_mode) ? ELOOP : ENOTDIR;
    removal->is_replaced = true;
    if (!is_directory) return 0;
    int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inner < 0 ? errno : check_directory(removals, inner, blocker, removed);
}
