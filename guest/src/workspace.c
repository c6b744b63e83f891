#include "workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "fatal.h"

#define HIDDEN ".pyro-staging"

static char path_shown[PATH_MAX];
static int kept_fd = -1, staging_fd = -1;
static uid_t owner;
static gid_t owner_group;
static bool is_hidden; // the staging directory is within the workspace

static int open_directory(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void workspace_keep(const char *workspace, const char *staging, const char *path) {
    strcpy(path_shown, path);
    kept_fd = open_directory(AT_FDCWD, workspace);
    staging_fd = open_directory(AT_FDCWD, staging);
    if (kept_fd < 0 || staging_fd < 0) fatal("%s: errno %d", workspace, errno);
}

void workspace_use(const char *path) {
    is_hidden = true;
    // Mounts are listed by their real path. One that is missing now may be there later.
    if (!realpath(path, path_shown)) snprintf(path_shown, sizeof path_shown, "%s", path);
}

const char *workspace_path(void) { return path_shown; }

int workspace_open(void) {
    struct stat shown, kept;
    int fd = open(path_shown, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kept_fd < 0 || fd < 0) return fd;
    bool is_same = fstat(fd, &shown) == 0 && fstat(kept_fd, &kept) == 0 && shown.st_dev == kept.st_dev &&
                   shown.st_ino == kept.st_ino;
    close(fd);
    if (is_same) return fcntl(kept_fd, F_DUPFD_CLOEXEC, 3);
    errno = EBUSY;
    return -1;
}

static void restore_mtime(int fd, const struct stat *before) {
    utimensat(fd, ".", (struct timespec[]){{.tv_nsec = UTIME_OMIT}, before->st_mtim}, 0);
}

int workspace_staging(void) {
    struct stat before;
    if (staging_fd >= 0 && fstat(staging_fd, &before) == 0 && before.st_nlink > 0) return staging_fd;
    if (staging_fd >= 0) close(staging_fd);
    staging_fd = -1;
    int root = workspace_open();
    if (root < 0) return -1;
    if (fstat(root, &before) == 0 && mkdirat(root, HIDDEN, 0700) == 0) restore_mtime(root, &before);
    staging_fd = open_directory(root, HIDDEN);
    int error = errno;
    close(root);
    errno = error;
    return staging_fd;
}

bool workspace_has_staging(void) {
    struct stat entry;
    int root = is_hidden ? workspace_open() : -1;
    bool has = !is_hidden || (root >= 0 && fstatat(root, HIDDEN, &entry, AT_SYMLINK_NOFOLLOW) == 0);
    if (root >= 0) close(root);
    return has;
}

void workspace_leave_staging(void) {
    struct stat before;
    int root = is_hidden ? workspace_open() : -1;
    if (root < 0) return;
    if (fstat(root, &before) == 0 && unlinkat(root, HIDDEN, AT_REMOVEDIR) == 0) restore_mtime(root, &before);
    close(root);
}

const char *workspace_relative(const char *path) {
    size_t length = strlen(path_shown);
    if (strncmp(path, path_shown, length) != 0) return NULL;
    path += length;
    if (!*path) return path;
    return *path == '/' && beneath_is_plain(path + 1) ? path + 1 : NULL;
}

bool workspace_is_staging(const char *relative) {
    size_t length = strlen(HIDDEN);
    return is_hidden && strncmp(relative, HIDDEN, length) == 0 && (!relative[length] || relative[length] == '/');
}

// The kernel writes a space, a tab, a line's end and a backslash as three octal digits.
static void unescape(char *text) {
    char *out = text;
    for (; *text; text++) {
        bool is_octal = text[0] == '\\' && text[1] && text[2] && text[3];
        *out++ = is_octal ? (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0')) : *text;
        if (is_octal) text += 3;
    }
    *out = '\0';
}

const char *workspace_find_mount(int tree) {
    static char found[PATH_MAX];
    char *line = NULL;
    size_t room = 0;
    bool is_found = false;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (mounts && !is_found && getline(&line, &room, mounts) > 0) {
        if (sscanf(line, "%*s %*s %*s %*s %4095s", found) != 1) continue;
        unescape(found);
        const char *relative = workspace_relative(found);
        if (!relative || !*relative) continue;
        int fd = beneath_open(tree, relative, O_PATH | O_NOFOLLOW);
        is_found = fd >= 0;
        if (is_found) close(fd);
    }
    free(line);
    if (mounts) fclose(mounts);
    return is_found ? found : NULL;
}

void workspace_read_owner(void) {
    struct stat root;
    int fd = workspace_open();
    bool is_known = fd >= 0 && fstat(fd, &root) == 0;
    owner = is_known ? root.st_uid : geteuid();
    owner_group = is_known ? root.st_gid : getegid();
    if (fd >= 0) close(fd);
}

// Only root can give entries away: another agent keeps them as its own.
void workspace_own(int folder, const char *name) {
    if (owner == geteuid() || geteuid() != 0) return;
    if (fchownat(folder, name, owner, owner_group, AT_SYMLINK_NOFOLLOW) < 0) return;
}
