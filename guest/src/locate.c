#include "locate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

static int open_directory(int parent, const char *path) { return openat(parent, path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

static void close_keeping_errno(int fd) {
    int error = errno;
    close(fd);
    errno = error;
}

// One part after the other, made where it is missing.
static int make_directories(int parent, char *path) {
    int here = open_directory(parent, *path == '/' ? "/" : ".");
    for (char *part = path; here >= 0 && *(part += strspn(part, "/"));) {
        char *end = part + strcspn(part, "/"), cut = *end;
        *end = '\0';
        int next = open_directory(here, part);
        if (next < 0 && errno == ENOENT && (mkdirat(here, part, 0755) == 0 || errno == EEXIST)) next = open_directory(here, part);
        close_keeping_errno(here);
        here = next;
        *end = cut;
        part = end;
    }
    return here;
}

// Splits off the last name; the rest, "" for the same directory, is left in `path`.
static bool split(char *path, char name[NAME_MAX + 1]) {
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') path[--length] = '\0';
    char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    if (strlen(last) > NAME_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(name, last);
    bool is_root = !*name, is_dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    if (is_root || is_dots) errno = is_root ? EBUSY : EINVAL;
    last[0] = '\0';
    return !is_root && !is_dots;
}

static int open_folder(int here, char *path, int flags) {
    int folder = open_directory(here, *path ? path : ".");
    return folder < 0 && errno == ENOENT && flags & LOCATE_MAKES ? make_directories(here, path) : folder;
}

bool locate(const char *path, int flags, struct located *located) {
    char rest[PATH_MAX];
    int here = AT_FDCWD;
    strcpy(rest, path);
    for (int links = 0;; links++) {
        bool is_split = split(rest, located->name);
        located->folder = is_split ? open_folder(here, rest, flags) : -1;
        if (here >= 0) close_keeping_errno(here);
        if (located->folder < 0) return false;
        ssize_t length = flags & LOCATE_FOLLOWS ? readlinkat(located->folder, located->name, rest, sizeof rest - 1) : -1;
        if (length < 0) return true;
        rest[length] = '\0';
        here = located->folder;
        if (links < LINKS_MAX && length > 0) continue;
        errno = ELOOP;
        close_keeping_errno(here);
        return false;
    }
}
