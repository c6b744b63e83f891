#include "shepherd.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"

enum { DEPTH_MAX = 64, KILL_AGAIN_MS = 2 };

static const char KILL_WORD = 'K';

pid_t shepherd_fork(int *channel) {
    int ends[2];
    *channel = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    pid_t agent = getpid(), pid = fork();
    close(ends[pid == 0 ? 0 : 1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    *channel = ends[pid == 0 ? 1 : 0];
    if (pid == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        // The agent's death ends its jobs. The signal is blocked, and read when the command runs.
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != agent) raise(SIGTERM);
    }
    return pid;
}

// Kills all present descendants. Processes that they start before they die are found the next time; an orphan becomes a
// child of the shepherd.
static void kill_below(pid_t parent, int depth) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)parent, entry->d_name);
        FILE *children = fopen(path, "re");
        int child;
        while (children && fscanf(children, "%d", &child) == 1) {
            kill(child, SIGKILL);
            if (depth < DEPTH_MAX) kill_below(child, depth + 1);
        }
        if (children) fclose(children);
    }
    if (tasks) closedir(tasks);
}

static void send_message(int channel, const void *message, size_t length) {
    while (send(channel, message, length, MSG_NOSIGNAL) < 0 && errno == EINTR) {}
}

// False once nothing of the job is left.
static bool reap(int channel, pid_t command) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == command) send_message(channel, &status, sizeof status);
    return pid == 0 || errno != ECHILD;
}

static bool is_asked_to_end(int signals) {
    struct signalfd_siginfo info;
    bool is_asked = false;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) is_asked |= info.ssi_signo == SIGTERM;
    return is_asked;
}

static int open_signals(void) {
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    sigaddset(&handled, SIGTERM);
    return signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
}

// The agent's own descriptors, which this process has by inheritance, would keep pipes of other jobs open.
static void close_others(int channel) {
    if (channel > 3) syscall(SYS_close_range, 3, (unsigned)channel - 1, 0);
    syscall(SYS_close_range, (unsigned)channel + 1, ~0u, 0);
}

void shepherd_serve(int channel, struct shepherd_start start) {
    close_others(channel);
    send_message(channel, &start, sizeof start);
    if (start.error) _exit(0);
    struct pollfd waits[2] = {{channel, POLLIN, 0}, {open_signals(), POLLIN, 0}};
    bool is_killing = false;
    while (reap(channel, start.pid)) {
        if (is_killing) kill_below(getpid(), 0);
        if (poll(waits, 2, is_killing ? KILL_AGAIN_MS : -1) < 0) continue;
        if (waits[1].revents) is_killing |= is_asked_to_end(waits[1].fd);
        if (!waits[0].revents) continue;
        char word;
        ssize_t got = recv(channel, &word, 1, MSG_DONTWAIT);
        is_killing |= got == 1 && word == KILL_WORD;
        if (got == 0) waits[0].fd = -1; // the job was released
    }
    _exit(0);
}

struct shepherd_start shepherd_await(int channel) {
    struct shepherd_start start;
    ssize_t got;
    while ((got = recv(channel, &start, sizeof start, 0)) < 0 && errno == EINTR) {}
    return got == (ssize_t)sizeof start ? start : (struct shepherd_start){.error = EAGAIN};
}

int shepherd_read(int channel, int *status) {
    ssize_t got = recv(channel, status, sizeof *status, MSG_DONTWAIT);
    if (got == (ssize_t)sizeof *status) return 1;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void shepherd_kill(int channel) { send_message(channel, &KILL_WORD, sizeof KILL_WORD); }
