// A QEMU before version 9 opens the file of a template's memory for writing even when its own mapping is private. Here that file is
// opened for reading; every other file is opened as QEMU asks.
#include "ram.h"

#define TEMPLATE_RAM "/pyro/template/ram"

int ram_fd = -1;

static int open_file(const char *path, int flags, unsigned mode) {
    bool is_ram = is_same(path, TEMPLATE_RAM);
    if (is_ram) flags = (flags & ~(O_ACCMODE | O_CREAT | O_TRUNC)) | O_RDONLY;
    int fd = (int)with_errno(call(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0));
    if (is_ram) ram_fd = fd;
    return fd;
}

#define OPEN_WITH_MODE(name)                                                                                           \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        bool has_mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;                                         \
        unsigned mode = has_mode ? va_arg(rest, unsigned) : 0;                                                         \
        va_end(rest);                                                                                                  \
        return open_file(path, flags, mode);                                                                           \
    }

OPEN_WITH_MODE(open)
OPEN_WITH_MODE(open64)

// The checked forms, which take no mode.
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __open_2(const char *path, int flags) { return open_file(path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_file(path, flags, 0); }
