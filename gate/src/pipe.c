#include "pipe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counters.h"
#include "inspect.h"
#include "loop.h"
#include "outside.h"
#include "quota.h"

enum { PIECE_BYTES = 65536, TURNS = 4 };

// One direction. Bytes are buffered only while the far end takes no more; meanwhile nothing else is read.
struct half {
    uint8_t *kept;
    size_t from, count;
    bool has_ended;
};

enum end { GUEST, WORLD };

enum { HELD_BYTES = 32768 };

struct held {
    struct inspection inspection;
    size_t count;
    uint8_t bytes[HELD_BYTES];
};

struct pipe {
    struct end_watch {
        struct watch watch;
        struct pipe *pipe;
        int fd;
        uint32_t events;
    } ends[2];
    struct half halves[2]; // indexed by the end that they come from
    struct address to;
    struct held *held;     // bytes of the guest that are not inspected yet; NULL when all may pass
    bool is_used;
};

static struct pipe pipes[PIPES_MAX];
static uint8_t piece[PIECE_BYTES];

void pipe_reset(int fd) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void end_pipe(struct pipe *pipe, bool is_reset) {
    for (int i = 0; i < 2; i++) {
        loop_remove(pipe->ends[i].fd, &pipe->ends[i].watch);
        if (is_reset)
            pipe_reset(pipe->ends[i].fd);
        else
            close(pipe->ends[i].fd);
        free(pipe->halves[i].kept);
    }
    free(pipe->held);
    pipe->is_used = false;
}

static bool keep(struct half *half, const uint8_t *bytes, size_t count) {
    half->kept = malloc(count);
    if (!half->kept) return false;
    memcpy(half->kept, bytes, count);
    half->from = 0;
    half->count = count;
    return true;
}

// Returns the number of bytes sent, or -1 when the connection is broken.
static ssize_t give(int fd, const uint8_t *bytes, size_t count) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static bool give_kept(struct half *half, int to) {
    if (!half->kept) return true;
    ssize_t sent = give(to, half->kept + half->from, half->count);
    if (sent < 0) return false;
    half->from += (size_t)sent;
    half->count -= (size_t)sent;
    if (half->count > 0) return true;
    free(half->kept);
    half->kept = NULL;
    return true;
}

// Passes on bytes that name an allowed name. False when they name another one, or none.
static bool give_held(struct pipe *pipe, int target, bool has_ended) {
    struct held *held = pipe->held;
    ssize_t passed = inspect(&held->inspection, held->bytes, held->count);
    bool is_stuck = passed == 0 && held->count > 0 && (has_ended || held->count == HELD_BYTES);
    if (passed < 0 || is_stuck) {
        counters_refuse("tcp", &pipe->to, VERDICT_NAME, held->inspection.name);
        return false;
    }
    ssize_t sent = passed > 0 ? give(target, held->bytes, (size_t)passed) : 0;
    if (sent < 0) return false;
    if (sent < passed && !keep(&pipe->halves[GUEST], held->bytes + sent, (size_t)(passed - sent))) return false;
    counters.sent_bytes += (uint64_t)passed;
    held->count -= (size_t)passed;
    memmove(held->bytes, held->bytes + passed, held->count);
    if (held->inspection.state == INSPECT_DONE) {
        free(held);
        pipe->held = NULL;
    }
    return true;
}

static bool move_held(struct pipe *pipe) {
    struct half *half = &pipe->halves[GUEST];
    struct held *held = pipe->held;
    ssize_t length = recv(pipe->ends[GUEST].fd, held->bytes + held->count, HELD_BYTES - held->count, 0);
    if (length < 0) return errno == EAGAIN;
    held->count += (size_t)length;
    half->has_ended = length == 0;
    return give_held(pipe, pipe->ends[WORLD].fd, half->has_ended);
}

// Moves the available bytes from one end to the other. False when the connection is broken.
static bool move(struct pipe *pipe, enum end from) {
    struct half *half = &pipe->halves[from];
    int source = pipe->ends[from].fd, target = pipe->ends[!from].fd;
    if (!give_kept(half, target)) return false;
    for (int i = 0; i < TURNS && !half->kept && !half->has_ended; i++) {
        if (from == GUEST && pipe->held) {
            if (!move_held(pipe)) return false;
            continue;
        }
        ssize_t length = recv(source, piece, sizeof piece, 0);
        if (length < 0) return errno == EAGAIN;
        if (length == 0) {
            half->has_ended = true;
            break;
        }
        *(from == GUEST ? &counters.sent_bytes : &counters.received_bytes) += (uint64_t)length;
        ssize_t sent = give(target, piece, (size_t)length);
        if (sent < 0) return false;
        if (sent < length && !keep(half, piece + sent, (size_t)(length - sent))) return false;
    }
    if (half->has_ended && !half->kept) shutdown(target, SHUT_WR);
    return true;
}

static bool listen_to(struct pipe *pipe, enum end end) {
    struct end_watch *watch = &pipe->ends[end];
    const struct half *out = &pipe->halves[end], *in = &pipe->halves[!end];
    uint32_t events = (out->has_ended || out->kept ? 0 : EPOLLIN) | (in->kept ? EPOLLOUT : 0);
    if (events == watch->events) return true;
    bool is_new = watch->events == 0;
    watch->events = events;
    if (is_new) return loop_add(watch->fd, events, &watch->watch);
    // An end without wanted events would report its hang-up for ever.
    if (events == 0)
        loop_remove(watch->fd, &watch->watch);
    else
        loop_change(watch->fd, events, &watch->watch);
    return true;
}

static bool has_ended(const struct pipe *pipe) {
    return pipe->halves[GUEST].has_ended && pipe->halves[WORLD].has_ended && !pipe->halves[GUEST].kept &&
           !pipe->halves[WORLD].kept;
}

static void flow(struct watch *woken, uint32_t events) {
    struct pipe *pipe = AROUND(woken, struct end_watch, watch)->pipe;
    bool is_whole = move(pipe, GUEST) && move(pipe, WORLD);
    bool is_broken = (events & EPOLLERR) != 0;
    if (!is_whole || is_broken) return end_pipe(pipe, true);
    if (has_ended(pipe)) return end_pipe(pipe, false);
    if (!listen_to(pipe, GUEST) || !listen_to(pipe, WORLD)) end_pipe(pipe, true);
}

static struct pipe *take_place(void) {
    for (int i = 0; i < quota.pipes; i++)
        if (!pipes[i].is_used) return &pipes[i];
    return NULL;
}

bool pipe_has_place(void) { return take_place() != NULL; }

int pipe_count(void) {
    int count = 0;
    for (int i = 0; i < PIPES_MAX; i++) count += pipes[i].is_used;
    return count;
}

void pipe_judge_all(void) {
    for (int i = 0; i < PIPES_MAX; i++)
        if (pipes[i].is_used && !outside_is_free(&pipes[i].to)) end_pipe(&pipes[i], true);
}

void pipe_join(int guest, int world, const struct address *to, bool is_by_name) {
    struct pipe *pipe = take_place();
    const int fds[2] = {guest, world}, on = 1;
    if (!pipe) {
        pipe_reset(guest);
        pipe_reset(world);
        return;
    }
    *pipe = (struct pipe){.is_used = true, .to = *to, .held = is_by_name ? calloc(1, sizeof *pipe->held) : NULL};
    for (int i = 0; i < 2; i++) {
        pipe->ends[i] = (struct end_watch){{flow}, pipe, fds[i], EPOLLIN};
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fds[i], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (is_by_name && !pipe->held) return end_pipe(pipe, true);
    if (!loop_add(guest, EPOLLIN, &pipe->ends[GUEST].watch) || !loop_add(world, EPOLLIN, &pipe->ends[WORLD].watch))
        end_pipe(pipe, true);
}
