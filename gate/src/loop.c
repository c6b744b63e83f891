#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "fatal.h"

enum { EVENTS_AT_ONCE = 64, TICKS_MAX = 4, RESTING_MAX = 4 };

static int epoll = -1;
static struct epoll_event reported[EVENTS_AT_ONCE];
static int reported_count;
static time_t now;
static void (*ticks[TICKS_MAX])(time_t now);
static int tick_count;
static struct {
    int fd;
    struct watch *watch;
} resting[RESTING_MAX];
static int resting_count;

static time_t read_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

void loop_open(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fatal_errno("epoll");
    now = read_clock();
}

bool loop_add(int fd, uint32_t events, struct watch *watch) {
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void loop_remove(int fd, struct watch *watch) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    for (int i = 0; i < reported_count; i++)
        if (reported[i].data.ptr == watch) reported[i].data.ptr = NULL;
}

void loop_change(int fd, uint32_t events, struct watch *watch) {
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0) fatal_errno("epoll");
}

void loop_rest(int fd, struct watch *watch) {
    loop_change(fd, 0, watch);
    resting[resting_count].fd = fd;
    resting[resting_count++].watch = watch;
}

static void end_rest(void) {
    while (resting_count > 0) {
        resting_count--;
        loop_change(resting[resting_count].fd, EPOLLIN, resting[resting_count].watch);
    }
}

void loop_every_second(void (*tick)(time_t)) { ticks[tick_count++] = tick; }

time_t loop_now(void) { return now; }

void loop_turn(void) {
    reported_count = epoll_wait(epoll, reported, EVENTS_AT_ONCE, 1000);
    if (reported_count < 0 && errno != EINTR) fatal_errno("epoll");
    time_t before = now;
    now = read_clock();
    for (int i = 0; i < reported_count; i++) {
        struct watch *watch = reported[i].data.ptr;
        if (watch) watch->wake(watch, reported[i].events);
    }
    if (now == before) return;
    end_rest();
    for (int i = 0; i < tick_count; i++) ticks[i](now);
}

_Noreturn void loop_run(void) {
    for (;;) loop_turn();
}
