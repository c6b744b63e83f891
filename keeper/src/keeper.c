// pyro-keeper: runs a program that must leave nothing behind. When standard input or the program ends, it kills every descendant of the
// program, even one that has detached itself. A byte on standard input says that the program may outlive the sender: from then on only its own
// end counts. The exit status is the program's.
//
//   COUNT PROGRAM [ARGUMENT]...    the program gets the descriptors below COUNT, and none that this process has inherited besides
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 125, NOT_RUN = 126, KILL_AGAIN_MS = 10 };

static pid_t program = -1;
static int status = FAILED;
static int signals;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "pyro-keeper: %s: %s\n", what, strerror(errno));
    _exit(FAILED);
}

static int status_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// False when no child is left. A process whose parent has ended becomes a child of the keeper.
static bool reap(void) {
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        if (pid != program) continue;
        program = -1;
        status = status_of(wait_status);
    }
    return pid == 0;
}

// The id of a child is not reused before it is waited for, so this kills no foreign process.
static void kill_children(void) {
    int pid;
    FILE *children = fopen("/proc/thread-self/children", "re");
    if (!children) fail("/proc/thread-self/children");
    while (fscanf(children, "%d", &pid) == 1) kill(pid, SIGKILL);
    fclose(children);
}

static bool is_watching_input = true;

static void read_input(bool *is_over) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) <= 0)
        *is_over = true;
    else
        is_watching_input = false;
}

static void await_signal(int timeout_ms, bool *is_over) {
    struct signalfd_siginfo info[4];
    struct pollfd watched[] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    if (poll(watched, is_watching_input ? 2 : 1, timeout_ms) < 0 && errno != EINTR) fail("poll");
    ssize_t got = read(signals, info, sizeof info);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof *info; i++) *is_over |= info[i].ssi_signo != SIGCHLD;
    if (watched[1].revents) read_input(is_over);
}

static void start(unsigned descriptors, char **argv) {
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGHUP);
    sigprocmask(SIG_SETMASK, &handled, NULL);
    signals = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (signals < 0 || nothing < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) fail("starting");
    program = fork();
    if (program < 0) fail("fork");
    if (program > 0) return;
    sigemptyset(&handled);
    sigprocmask(SIG_SETMASK, &handled, NULL);
    dup2(nothing, STDIN_FILENO);
    syscall(SYS_close_range, descriptors, ~0u, 0);
    execv(argv[0], argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(NOT_RUN);
}

// Closes the program's descriptors in the keeper.
static void let_go(void) {
    if (signals != 3 && dup3(signals, 3, O_CLOEXEC) < 0) fail("closing");
    signals = 3;
    syscall(SYS_close_range, 4, ~0u, 0);
}

int main(int argc, char **argv) {
    bool is_over = false;
    int descriptors = argc < 3 ? 0 : atoi(argv[1]);
    if (descriptors < 3) {
        fputs("usage: pyro-keeper COUNT PROGRAM [ARGUMENT]...\n", stderr);
        return FAILED;
    }
    start((unsigned)descriptors, argv + 2);
    let_go();
    while (!is_over && reap() && program > 0) await_signal(-1, &is_over);
    is_watching_input = false;
    for (; reap(); await_signal(KILL_AGAIN_MS, &is_over)) kill_children();
    return status;
}
