#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fatal.h"
#include "job.h"
#include "session.h"
#include "transfer.h"
#include "trash.h"
#include "tunnel.h"

enum { EVENTS_PER_TURN = 64, STOP_GRACE_MS = 1000 };

static int epoll_fd, listen_fd = -1, signal_fd;
static enum loop_end on_end;
static bool is_stopping;
static uint64_t stop_at_ms;

uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// Events carry a kind and a number, not a pointer: their object may have been freed before they are handled.
static void watch(int operation, int fd, uint32_t events, enum loop_kind kind, uint32_t id) {
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)kind << 32 | id};
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) fatal("epoll_ctl: errno %d", errno);
}

void loop_watch(int fd, uint32_t events, enum loop_kind kind, uint32_t id) {
    watch(EPOLL_CTL_ADD, fd, events, kind, id);
}

void loop_rewatch(int fd, uint32_t events, enum loop_kind kind, uint32_t id) {
    watch(EPOLL_CTL_MOD, fd, events, kind, id);
}

void loop_drain(int fd) { watch(EPOLL_CTL_MOD, fd, EPOLLIN, LOOP_DRAIN, (uint32_t)fd); }

static void on_pipe_closed(int number) { (void)number; }

void loop_open(enum loop_end end) {
    on_end = end;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigprocmask(SIG_SETMASK, &handled, NULL);
    // A handler, unlike SIG_IGN, is not inherited by the commands that are started.
    struct sigaction quiet = {.sa_handler = on_pipe_closed, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &quiet, NULL);
    signal_fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
    if (epoll_fd < 0 || signal_fd < 0) fatal("epoll: errno %d", errno);
    loop_watch(signal_fd, EPOLLIN | EPOLLET, LOOP_SIGNALS, 0);
}

void loop_listen(int fd) {
    listen_fd = fd;
    loop_watch(fd, EPOLLIN, LOOP_LISTENER, 0);
}

static void accept_peer(void) {
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) session_attach(fd, false);
}

void loop_session_over(void) {
    session_attach(-1, false);
    if (on_end == LOOP_END_EXITS) loop_stop_soon();
}

void loop_stop_soon(void) {
    if (is_stopping) return;
    is_stopping = true;
    stop_at_ms = now_ms() + STOP_GRACE_MS;
}

void loop_reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) job_reaped(pid, status);
}

static void handle_signals(void) {
    struct signalfd_siginfo info[4]; // room for each of the three at once
    ssize_t got = read(signal_fd, info, sizeof info);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof *info; i++)
        if (info[i].ssi_signo != SIGCHLD && !fatal_powers_off) loop_stop_soon();
    loop_reap();
}

static void drain(int fd) {
    ssize_t got = read(fd, session_scratch, sizeof session_scratch);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) close(fd);
}

static void handle(const struct epoll_event *event) {
    uint32_t id = (uint32_t)event->data.u64;
    enum loop_kind kind = (enum loop_kind)(event->data.u64 >> 32);
    switch (kind) {
    case LOOP_SESSION: session_ready(event->events); break;
    case LOOP_LISTENER: accept_peer(); break;
    case LOOP_SIGNALS: handle_signals(); break;
    case LOOP_DRAIN: drain((int)id); break;
    case LOOP_STDIN: job_stdin_ready(id); break;
    case LOOP_STDOUT: job_output_ready(id, 0, event->events); break;
    case LOOP_STDERR: job_output_ready(id, 1, event->events); break;
    case LOOP_SHEPHERD: job_shepherd_ready(id); break;
    case LOOP_TUNNEL: tunnel_ready(id, event->events); break;
    }
}

// The milliseconds to wait: 0 when work is left, and -1 (for ever) unless a job is in its last 100 ms or the agent is leaving.
static int time_to_wait(void) {
    if (session_has_more() || transfers_have_more() || trash_has_more()) return 0;
    uint64_t deadline = jobs_deadline_ms();
    if (is_stopping && stop_at_ms < deadline) deadline = stop_at_ms;
    if (deadline == UINT64_MAX) return -1;
    uint64_t now = now_ms();
    return deadline > now ? (int)(deadline - now) : 0;
}

static bool is_time_to_leave(void) {
    return is_stopping && (session_fd() < 0 || session_is_flushed() || now_ms() >= stop_at_ms);
}

void loop_run(void) {
    while (!is_time_to_leave()) {
        struct epoll_event events[EVENTS_PER_TURN];
        int count = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, time_to_wait());
        for (int i = 0; i < count; i++) handle(&events[i]);
        if (session_has_more()) session_ready(0);
        jobs_settle_due();
        transfers_step();
        session_flush();
        trash_step();
    }
}
