// pyro-readonly-ram.so: loaded into a QEMU before version 9, which opens the file of a template's memory for writing even when its own
// mapping is private. Here that file is opened for reading; every other file is opened as QEMU asks. Without a C library of its own,
// so that it works with whichever one QEMU has.
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

#define TEMPLATE_RAM "/pyro/template/ram"

// The C library's errno.
extern int *__errno_location(void);

static bool is_same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static int open_file(const char *path, int flags, unsigned mode) {
    if (is_same(path, TEMPLATE_RAM)) flags = (flags & ~(O_ACCMODE | O_CREAT | O_TRUNC)) | O_RDONLY;
    register unsigned long mode_register __asm__("r10") = mode;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_openat), "D"((long)AT_FDCWD), "S"(path), "d"((long)flags), "r"(mode_register)
                     : "rcx", "r11", "memory");
    if (result >= 0) return (int)result;
    *__errno_location() = (int)-result;
    return -1;
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
