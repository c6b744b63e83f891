// pyro-relay: joins standard input and output with one stream to the daemon of PYRO_HOME, until one of the two ends. When the daemon ends after
// the last frame of an answer, the relay waits until its input ends: the caller still sends windows while it reads, and a connection that is
// closed before would lose what the caller has not read yet.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 125, WAIT_MS = 30000, PAUSE_MS = 10, PIECE = 65536 };
/** docs/stream.md. */
enum { HEADER_BYTES = 8, RESULT = 7, ERROR = 8 };

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

/** Where the daemon's answer is: in its head, or in a frame, of which this much is left. */
struct answer {
    char last[4];
    int in_frames, is_over;
    unsigned char header[HEADER_BYTES];
    size_t header_bytes;
    uint64_t left;
};

/** Follows the answer through these bytes. An answer in plain HTTP has no frames, and is never over. */
static void follow(struct answer *answer, const char *bytes, size_t count) {
    for (size_t at = 0; at < count;) {
        if (!answer->in_frames) {
            memmove(answer->last, answer->last + 1, 3);
            answer->last[3] = bytes[at++];
            answer->in_frames = memcmp(answer->last, "\r\n\r\n", 4) == 0;
            continue;
        }
        if (answer->header_bytes < HEADER_BYTES) {
            answer->header[answer->header_bytes++] = (unsigned char)bytes[at++];
            if (answer->header_bytes < HEADER_BYTES) continue;
            const unsigned char *h = answer->header;
            answer->left = (uint64_t)h[0] | (uint64_t)h[1] << 8 | (uint64_t)h[2] << 16 | (uint64_t)h[3] << 24;
        }
        size_t here = count - at < answer->left ? count - at : (size_t)answer->left;
        at += here;
        answer->left -= here;
        if (answer->left > 0) continue;
        answer->is_over = answer->header[4] == RESULT || answer->header[4] == ERROR;
        answer->header_bytes = 0;
    }
}

/** Discards input until it ends. */
static void linger(void) {
    static char nothing[PIECE];
    ssize_t got;
    do got = read(STDIN_FILENO, nothing, sizeof nothing);
    while (got > 0 || (got < 0 && errno == EINTR));
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
    static struct answer answer;
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
        int was_empty = out.at == out.end;
        enum step step = move(&out, ends[1].revents);
        if (step != MOVED) {
            if (step == ENDED && answer.is_over) linger();
            return 0;
        }
        if (was_empty && out.at < out.end) follow(&answer, out.bytes, out.end);
        step = is_refused ? MOVED : move(&in, ends[0].revents);
        if (step == ENDED) return 0;
        // A daemon that reads no more may still send.
        is_refused = is_refused || step == REFUSED;
    }
}
