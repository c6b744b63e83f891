#include "swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"

#ifdef BENEATH_WALKS
enum { UNKNOWN_FLAG = 1u << 31 };
#else
enum { UNKNOWN_FLAG = 0 };
#endif

static bool rename_with(int from, const char *name, int to, const char *new_name, unsigned flags) {
    return syscall(SYS_renameat2, from, name, to, new_name, flags | UNKNOWN_FLAG) == 0;
}

// True for the error of a file system or a kernel that does not know the flags.
static bool is_unknown(int error) { return error == EINVAL || error == ENOSYS; }

bool swap_rename(int from, const char *name, int to, const char *new_name) {
    struct stat there;
    if (rename_with(from, name, to, new_name, RENAME_KEEPS)) return true;
    if (!is_unknown(errno)) return false;
    if (fstatat(to, new_name, &there, AT_SYMLINK_NOFOLLOW) == 0) errno = EEXIST;
    return errno == ENOENT && renameat(from, name, to, new_name) == 0;
}

bool swap_move(int from, int to, const char *name) {
    struct stat entry;
    if (swap_rename(from, name, to, name)) return true;
    // Without write permission on a directory, even its owner may not move it.
    if (errno != EACCES || fstatat(from, name, &entry, AT_SYMLINK_NOFOLLOW) < 0) return false;
    errno = EACCES;
    if (!S_ISDIR(entry.st_mode) || fchmodat(from, name, 0700, 0) < 0) return false;
    bool is_moved = swap_rename(from, name, to, name);
    int error = errno;
    fchmodat(is_moved ? to : from, name, entry.st_mode & 07777, 0);
    errno = error;
    return is_moved;
}

static bool exchange_entries(int from, int to, const char *name, int exchange) {
    if (rename_with(from, name, to, name, RENAME_EXCHANGES)) return true;
    if (!is_unknown(errno) || renameat(to, name, exchange, name) < 0) return false;
    bool is_in = renameat(from, name, to, name) == 0;
    if (is_in && renameat(exchange, name, from, name) == 0) return true;
    int error = errno;
    if (is_in) renameat(to, name, from, name);
    renameat(exchange, name, to, name);
    errno = error;
    return false;
}

// Lets its owner move a directory. Returns the mode to set again, or 0.
static mode_t open_up(int folder, const char *name) {
    struct stat entry;
    if (fstatat(folder, name, &entry, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(entry.st_mode)) return 0;
    return fchmodat(folder, name, 0700, 0) == 0 ? entry.st_mode & 07777 : 0;
}

bool swap_exchange(int from, int to, const char *name, int exchange) {
    if (exchange_entries(from, to, name, exchange)) return true;
    if (errno != EACCES) return false;
    mode_t mode = open_up(from, name), other = open_up(to, name);
    bool is_done = exchange_entries(from, to, name, exchange);
    int error = errno;
    if (mode) fchmodat(is_done ? to : from, name, mode, 0);
    if (other) fchmodat(is_done ? from : to, name, other, 0);
    errno = error;
    return is_done;
}
