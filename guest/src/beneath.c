#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "workspace.h"

bool beneath_is_plain(const char *path) {
    if (!*path || strlen(path) >= PATH_MAX) return false;
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || length > NAME_MAX) return false;
        if (path[0] == '.' && (length == 1 || (length == 2 && path[1] == '.'))) return false;
        if (!path[length]) return true;
        path += length + 1;
    }
}

// Opens one component. For a link where a directory is wanted, the kernel returns ENOTDIR; this returns ELOOP.
static int open_component(int parent, const char *name, int flags) {
    int fd = openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || errno != ENOTDIR) return fd;
    struct stat entry;
    bool is_link = fstatat(parent, name, &entry, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(entry.st_mode);
    errno = is_link ? ELOOP : ENOTDIR;
    return -1;
}

static int walk(int root, const char *path, int flags, bool makes) {
    int here = fcntl(root, F_DUPFD_CLOEXEC, 3);
    while (here >= 0 && *path) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        memcpy(name, path, length);
        name[length] = '\0';
        path += length + (path[length] == '/');
        int wanted = *path || makes ? O_RDONLY | O_DIRECTORY : flags;
        int next = open_component(here, name, wanted);
        if (next < 0 && errno == ENOENT && makes) {
            bool is_made = mkdirat(here, name, 0755) == 0;
            if (is_made) workspace_own(here, name);
            if (is_made || errno == EEXIST) next = open_component(here, name, wanted);
        }
        int error = errno;
        close(here);
        errno = error;
        here = next;
    }
    return here;
}

int beneath_open(int root, const char *path, int flags) {
    if (!*path) return fcntl(root, F_DUPFD_CLOEXEC, 3);
#ifndef BENEATH_WALKS
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_UNDER | RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    // A sandbox that does not know the call returns EPERM.
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) return fd;
#endif
    return walk(root, path, flags, false);
}

int beneath_make(int root, const char *path) {
    int fd = beneath_open(root, path, O_RDONLY | O_DIRECTORY);
    return fd >= 0 || errno != ENOENT ? fd : walk(root, path, 0, true);
}
