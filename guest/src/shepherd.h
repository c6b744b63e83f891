// A process above each job of an agent that is not PID 1, which makes no control groups. Orphans among the command's descendants become the
// shepherd's children, so that it finds and kills all of them.
#ifndef SHEPHERD_H
#define SHEPHERD_H

#include <stdbool.h>
#include <sys/types.h>

// How the command's start went; `error` is an errno, or 0.
struct shepherd_start {
    pid_t pid;
    int error, failed;
};

// As fork(): 0 in the shepherd, which starts the command and calls shepherd_serve. `channel` is this side's end, -1 on failure.
pid_t shepherd_fork(int *channel);

_Noreturn void shepherd_serve(int channel, struct shepherd_start start);

// The agent's side: waits for the start.
struct shepherd_start shepherd_await(int channel);

// 1 with the command's wait status, 0 while there is nothing to read, -1 when nothing of the job is left.
int shepherd_read(int channel, int *status);

// Requests that it kills all processes of its job.
void shepherd_kill(int channel);

#endif
