// pyro-gate: starts a program with a tap in a network namespace without a way out, and relays the connections of that network.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "counters.h"
#include "dns_tcp.h"
#include "fatal.h"
#include "inside.h"
#include "loop.h"
#include "options.h"
#include "outside.h"
#include "descriptors.h"
#include "quota.h"
#include "sender.h"
#include "tcp.h"
#include "udp.h"
#include "update.h"

// The sockets in the file system on which the gate is asked.
enum { CONTROL, RULES, SOCKETS };

static int listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (strlen(path) >= sizeof address.sun_path) fatal("%s: too long", path);
    strcpy(address.sun_path, path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0) fatal_errno(path);
    return fd;
}

// A child makes the namespace, since a process that has moved into it cannot return; its sockets outlive the child.
static struct inside build_inside(const struct options *options) {
    int ends[2], status;
    struct inside inside;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) fatal_errno("a socket pair");
    pid_t child = fork();
    if (child < 0) fatal_errno("fork");
    if (child == 0) {
        inside_build(options, &inside);
        descriptors_send(ends[1], (int *)&inside, INSIDE_FDS);
        _exit(0);
    }
    close(ends[1]);
    bool is_whole = descriptors_receive(ends[0], (int *)&inside, INSIDE_FDS);
    close(ends[0]);
    if (waitpid(child, &status, 0) < 0 || !is_whole || status != 0) _exit(125); // the child has printed the reason
    return inside;
}

static void end(struct watch *watch, uint32_t events) {
    (void)watch;
    (void)events;
    _exit(0);
}

// Closes the program's descriptors in the gate: its standard streams, and those that stay open on exec.
static void let_go(void) {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) fatal_errno("/dev/null");
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC)) close(fd);
    }
    for (int fd = 0; fd < 2; fd++) dup2(nothing, fd);
}

// Drops all rights and descriptors that relaying does not need.
static void prepare(const struct options *options, const struct inside *inside, const int sockets[SOCKETS], int lifeline) {
    static struct watch lost = {end};
    quota_open();
    loop_open();
    if (!loop_add(lifeline, 0, &lost)) fatal_errno("the lifeline");
    if (!policy_open()) fatal_errno("the host's routes");
    outside_open(options);
    sender_open(inside);
    tcp_open(inside, options);
    udp_open(inside);
    dns_tcp_open();
    counters_serve(sockets[CONTROL]);
    if (sockets[RULES] >= 0) update_serve(sockets[RULES]);
    confine_end(options->uid, options->gid);
}

// The gate's life. It ends when the last process that holds the other end of the lifeline has ended.
static _Noreturn void serve(const struct options *options, const int sockets[SOCKETS], int lifeline, int starter) {
    static struct inside inside;
    setsid();
    confine_begin();
    inside = build_inside(options);
    if (options->is_closed) {
        descriptors_send(starter, &inside.tap, 1);
        _exit(0);
    }
    let_go();
    prepare(options, &inside, sockets, lifeline);
    descriptors_send(starter, &inside.tap, 1);
    close(starter);
    close(inside.tap);
    fatal_silently();
    close(STDERR_FILENO);
    loop_run();
}

// Moves a descriptor to a number above those that the program's descriptors get.
static int lift(int fd) {
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 16);
    if (lifted < 0) fatal_errno("handing over");
    close(fd);
    return lifted;
}

static void hand_over(int fd, int as) {
    if (dup2(lift(fd), as) < 0) fatal_errno("handing over"); // without close-on-exec
}

// Forks twice, so that the program that follows has no child that it did not start.
static pid_t fork_away(void) {
    pid_t child = fork();
    if (child < 0) fatal_errno("fork");
    if (child == 0 && fork() > 0) _exit(0);
    return child;
}

int main(int argc, char **argv) {
    static struct options options;
    int ends[2], lifeline[2], tap;
    (void)argc;
    umask(077);
    options_read(argv, &options);
    const int sockets[SOCKETS] = {
        [CONTROL] = options.is_closed ? -1 : listen_on(options.control),
        [RULES] = options.is_closed || !options.rules ? -1 : listen_on(options.rules),
    };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || pipe2(lifeline, O_CLOEXEC) < 0)
        fatal_errno("a socket pair");
    pid_t child = fork_away();
    if (child == 0) {
        close(ends[0]);
        close(lifeline[1]);
        serve(&options, sockets, lifeline[0], ends[1]);
    }
    close(ends[1]);
    waitpid(child, NULL, 0);
    if (!descriptors_receive(ends[0], &tap, 1)) return 125; // the child has printed the reason
    int kept = lift(lifeline[1]);
    hand_over(tap, options.tap_fd);
    hand_over(kept, options.lifeline_fd);
    execv(options.program[0], options.program);
    fatal_errno(options.program[0]);
}
