#include "fatal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_silent;

void fatal_silently(void) { is_silent = true; }

_Noreturn void fatal(const char *format, ...) {
    va_list rest;
    if (is_silent) _exit(125);
    va_start(rest, format);
    fputs("pyro-gate: ", stderr);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    _exit(125);
}

_Noreturn void fatal_errno(const char *what) { fatal("%s: %s", what, strerror(errno)); }
