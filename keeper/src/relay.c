// pyro-relay: joins standard input and output with one stream to the daemon of PYRO_HOME, until one of the two ends.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 125, WAIT_MS = 30000, PAUSE_MS = 10, PIECE = 65536 };

/** Bytes that were read from one end, and that the other one has not taken. */
struct flow {
    int from, to;
    size_t at, end;
    char bytes[PIECE];
};

static int fail(const char *what, const char *why) {
    fprintf(stderr, "pyro-relay: %s: %s\n", what, why);
    return FAILED;
}

/** Connects; waits for a daemon that starts. Returns -1, with errno, when none listens in time. */
static int connect_daemon(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    for (int waited = 0;; waited += PAUSE_MS) {
        int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (daemon < 0 || connect(daemon, (struct sockaddr *)&address, sizeof address) == 0) return daemon;
        int why = errno;
        close(daemon);
        errno = why;
        if ((why != ENOENT && why != ECONNREFUSED && why != EAGAIN) || waited >= WAIT_MS) return -1;
        nanosleep(&pause, NULL);
    }
}

enum step { MOVED, ENDED, REFUSED };

/** Moves bytes one step on. */
static enum step move(struct flow *flow, short events) {
    if (events == 0) return MOVED;
    if (flow->at == flow->end) {
        ssize_t got = read(flow->from, flow->bytes, PIECE);
        if (got <= 0) return got < 0 && errno == EINTR ? MOVED : ENDED;
        flow->at = 0;
        flow->end = (size_t)got;
        return MOVED;
    }
    ssize_t put = write(flow->to, flow->bytes + flow->at, flow->end - flow->at);
    if (put < 0) return errno == EINTR || errno == EAGAIN ? MOVED : REFUSED;
    flow->at += (size_t)put;
    return MOVED;
}

static struct pollfd wish(const struct flow *flow) {
    int is_empty = flow->at == flow->end;
    return (struct pollfd){.fd = is_empty ? flow->from : flow->to, .events = is_empty ? POLLIN : POLLOUT};
}

int main(void) {
    const char *home = getenv("PYRO_HOME");
    if (home == NULL || *home == '\0') return fail("PYRO_HOME", "it is not set");
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/run/daemon.sock", home) >= sizeof path) return fail(home, "too long");
    int daemon = connect_daemon(path);
    if (daemon < 0) return fail(path, strerror(errno));
    static struct flow in = {.from = STDIN_FILENO}, out = {.to = STDOUT_FILENO};
    in.to = out.from = daemon;
    signal(SIGPIPE, SIG_IGN);
    for (int is_refused = 0;;) {
        struct pollfd ends[] = {wish(&in), wish(&out)};
        if (is_refused) ends[0].fd = -1;
        if (poll(ends, 2, -1) < 0) {
            if (errno == EINTR) continue;
            return fail("poll", strerror(errno));
        }
        if (move(&out, ends[1].revents) != MOVED) return 0;
        enum step step = is_refused ? MOVED : move(&in, ends[0].revents);
        if (step == ENDED) return 0;
        // A daemon that reads no more may still send.
        is_refused = is_refused || step == REFUSED;
    }
}
