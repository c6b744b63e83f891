// Starting a program with pipes or a terminal.
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "user.h"

struct spawn {
    char *const *argv;
    char *const *environment;
    const char *cwd;
    bool is_tty;
    bool wants_stdin;
    unsigned short rows, columns;
    // The control group in which it is born; -1 for the agent's own.
    int cgroup_fd;
    // The user whose rights the program has.
    const struct user *user;

    // Filled in. [0] writes stdin, [1] and [2] read output; with a terminal [0] and [1] are the same.
    pid_t pid;
    int fds[3];
    // The descriptor on which the command's shepherd reports; -1 when the agent itself is the parent.
    int shepherd_fd;
    int error;
    enum { SPAWN_SETUP, SPAWN_CWD, SPAWN_EXEC } failed;
};

// Called once, at the beginning: opens /dev/null and raises the agent's limit of descriptors. Commands of an agent that is not PID 1 get a
// shepherd.
void spawn_open(bool is_init);

// Starts the program. False when it does not run; then `error` and `failed` have the reason.
bool spawn_run(struct spawn *spawn);

#endif
