// pyro-ram.so: loaded into a QEMU to give it the memory of a template and of a snapshot. Without a C library of its own, so that it works
// with whichever one QEMU has.
#ifndef RAM_H
#define RAM_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "system_call.h"

// The result of a system call as the C library returns it.
static inline long with_errno(long result) {
    if (result >= 0 || result < -4095) return result;
    errno = (int)-result;
    return -1;
}

static inline bool is_same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

// The descriptor of the template's memory; -1 before it is open.
__attribute__((visibility("hidden"))) extern int ram_fd;

#endif
