#include "fatal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fatal(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    fputs("pyro-gate: ", stderr);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    _exit(125);
}

_Noreturn void fatal_errno(const char *what) { fatal("%s: %s", what, strerror(errno)); }
