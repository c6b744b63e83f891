// Ends the gate, with a reason on standard error.
#ifndef FATAL_H
#define FATAL_H

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The same, with the text of errno.
_Noreturn void fatal_errno(const char *what);

// Later failures have no message: standard error is closed.
void fatal_silently(void);

#endif
