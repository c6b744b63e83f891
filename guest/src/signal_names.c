#include "signal_names.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

// The kernel's numbers, not the C library's: both keep some real-time signals to themselves.
enum { FIRST_REAL_TIME = 32, LAST_SIGNAL = 64 };

static const char *const names[FIRST_REAL_TIME] = {
    [SIGHUP] = "HUP",   [SIGINT] = "INT",   [SIGQUIT] = "QUIT", [SIGILL] = "ILL",     [SIGTRAP] = "TRAP",
    [SIGABRT] = "ABRT", [SIGBUS] = "BUS",   [SIGFPE] = "FPE",   [SIGKILL] = "KILL",   [SIGUSR1] = "USR1",
    [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2", [SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",   [SIGTERM] = "TERM",
    [SIGCHLD] = "CHLD", [SIGCONT] = "CONT", [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",   [SIGTTIN] = "TTIN",
    [SIGTTOU] = "TTOU", [SIGURG] = "URG",   [SIGXCPU] = "XCPU", [SIGXFSZ] = "XFSZ",   [SIGVTALRM] = "VTALRM",
    [SIGPROF] = "PROF", [SIGIO] = "IO",     [SIGSYS] = "SYS",   [SIGWINCH] = "WINCH", [SIGPWR] = "PWR",
    [SIGSTKFLT] = "STKFLT",
};

static const char *real_time_name(int number) {
    static char name[24];
    snprintf(name, sizeof name, "RTMIN+%d", number - FIRST_REAL_TIME);
    return name;
}

const char *signal_name(int number) {
    if (number >= FIRST_REAL_TIME) return real_time_name(number);
    return number > 0 && names[number] ? names[number] : "UNKNOWN";
}

int signal_number(const char *name) {
    for (int number = 1; number <= LAST_SIGNAL; number++) {
        const char *known = number < FIRST_REAL_TIME ? names[number] : real_time_name(number);
        if (known && strcmp(known, name) == 0) return number;
    }
    return 0;
}
