// Signals by name without "SIG": TERM, KILL, RTMIN+3.
#ifndef SIGNAL_NAMES_H
#define SIGNAL_NAMES_H

const char *signal_name(int number);
// 0 when there is no such signal.
int signal_number(const char *name);

#endif
