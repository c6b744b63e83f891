// How the gate waits and relays, over sockets of this process alone.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/fatal.h"
#include "../src/loop.h"
#include "expect.h"

static void open_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) abort();
}

static struct place {
    struct watch watch;
    int fd;
} places[2];
static int woken;

// Removes the other watch; a new one takes its place at once.
static void replace_other(struct watch *watch, uint32_t events) {
    struct place *other = &places[AROUND(watch, struct place, watch) == &places[0]];
    int ends[2];
    (void)events;
    loop_remove(other->fd, &other->watch);
    close(other->fd);
    open_pair(ends);
    *other = (struct place){{replace_other}, ends[0]};
    loop_add(ends[0], EPOLLIN, &other->watch);
    woken++;
}

static void test_stale_events(void) {
    for (int i = 0; i < 2; i++) {
        int ends[2];
        open_pair(ends);
        places[i] = (struct place){{replace_other}, ends[0]};
        loop_add(ends[0], EPOLLIN, &places[i].watch);
        expect(write(ends[1], "x", 1) == 1, "a byte", "");
    }
    loop_turn();
    expect(woken == 1, "no handler is called", "for the watch that had the place before");
    for (int i = 0; i < 2; i++) loop_remove(places[i].fd, &places[i].watch);
}

// The bytes that a process writes into descriptor 2 when it ends with a reason, after that number was given to another file.
static ssize_t written_at_the_end(bool is_ours) {
    int ends[2], status;
    char text[64];
    open_pair(ends);
    pid_t child = fork();
    if (child == 0) {
        if (!is_ours) fatal_silently();
        dup2(ends[1], STDERR_FILENO);
        fatal("a reason");
    }
    waitpid(child, &status, 0);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 125, "it ends", "as it should");
    return recv(ends[0], text, sizeof text, 0);
}

static void test_reasons(void) {
    expect(written_at_the_end(true) > 0, "a reason", "is printed");
    expect(written_at_the_end(false) < 0 && errno == EAGAIN, "nothing is written", "where others read");
}

int main(void) {
    loop_open();
    test_stale_events();
    test_reasons();
    return expect_end("relay");
}
