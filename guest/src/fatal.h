// Ends the agent: writes one line on the console, then powers off (PID 1 of a VM) or exits.
#ifndef FATAL_H
#define FATAL_H

// Set once by init mode.
extern int fatal_powers_off;

// A line on the console of a VM.
void console_say(const char *line);

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
