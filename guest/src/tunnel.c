#include "tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fatal.h"
#include "fields.h"
#include "inlet.h"
#include "loop.h"
#include "outlet.h"
#include "reply.h"
#include "session.h"

enum {
    // Bytes that all tunnels together hold of each direction, and the least for one.
    HELD_BYTES = 16777216,
    SHARE_MIN_BYTES = 16384,
};

struct tunnel {
    uint32_t stream;
    int fd;
    int family;
    in_port_t port;
    bool is_connected, is_readable, is_shut;
    struct inlet inlet; // from the host
    struct ring ring;
    struct outlet outlet; // to the host
    struct tunnel *following;
};

static struct tunnel *tunnels;
static int count;

static struct tunnel *find(uint32_t stream) {
    struct tunnel *tunnel = tunnels;
    while (tunnel && tunnel->stream != stream) tunnel = tunnel->following;
    return tunnel;
}

bool tunnel_exists(uint32_t stream) { return find(stream) != NULL; }

static void end(struct tunnel *tunnel) {
    struct tunnel **link = &tunnels;
    while (*link != tunnel) link = &(*link)->following;
    *link = tunnel->following;
    count--;
    if (tunnel->fd >= 0) close(tunnel->fd);
    outlet_remove(&tunnel->outlet);
    ring_free(&tunnel->ring);
    free(tunnel);
}

void tunnels_end(void) {
    while (tunnels) end(tunnels);
}

// Returns false, so that its caller touches the tunnel no more.
static bool fail(struct tunnel *tunnel, int error) {
    reply_error(tunnel->stream, "IO", error, NULL, "the connection failed");
    end(tunnel);
    return false;
}

bool tunnel_cancel(uint32_t stream) {
    struct tunnel *tunnel = find(stream);
    if (!tunnel) return false;
    reply_error(stream, "CANCELLED", 0, NULL, "cancelled");
    end(tunnel);
    return true;
}

static int connect_to(int family, in_port_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int one = 1, fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int result = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4) : connect(fd, (struct sockaddr *)&v6, sizeof v6);
    if (result == 0 || errno == EINPROGRESS) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// Begins to connect. The socket's first event shows whether that has worked.
static bool dial(struct tunnel *tunnel, int family) {
    tunnel->family = family;
    tunnel->fd = connect_to(family, tunnel->port);
    if (tunnel->fd < 0) return false;
    loop_watch(tunnel->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, LOOP_TUNNEL, tunnel->stream);
    return true;
}

void tunnel_start(uint32_t stream, struct json request) {
    int64_t port = 0;
    if (!fields_integer(stream, request, "port", UINT16_MAX, &port)) return;
    if (port == 0) return reply_error(stream, "BAD_REQUEST", 0, NULL, "`port` must be 1 to 65535");
    if (count == TUNNELS_MAX) return reply_error(stream, "TOO_MANY_JOBS", 0, NULL, "too many connections at once");
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (!tunnel) fatal("out of memory");
    tunnel->stream = stream;
    tunnel->port = (in_port_t)port;
    outlet_add(&tunnel->outlet, stream, CHANNEL_STDOUT);
    tunnel->following = tunnels;
    tunnels = tunnel;
    count++;
    if (!dial(tunnel, AF_INET) && !dial(tunnel, AF_INET6)) fail(tunnel, errno);
}

static size_t share(void) {
    size_t each = HELD_BYTES / (size_t)count;
    if (each > OUTPUT_HELD_MAX_BYTES) return OUTPUT_HELD_MAX_BYTES;
    return each < SHARE_MIN_BYTES ? SHARE_MIN_BYTES : each;
}

static int error_of(const struct tunnel *tunnel) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(tunnel->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

static bool has_connected(struct tunnel *tunnel, uint32_t events) {
    int error = error_of(tunnel);
    if (!error && (events & EPOLLOUT)) {
        tunnel->is_connected = true;
        inlet_grant(&tunnel->inlet, share());
        return true;
    }
    if (!error) return false;
    close(tunnel->fd);
    tunnel->fd = -1;
    if (tunnel->family == AF_INET && dial(tunnel, AF_INET6)) return false;
    return fail(tunnel, error);
}

static bool read_some(struct tunnel *tunnel) {
    struct outlet *outlet = &tunnel->outlet;
    while (tunnel->is_readable && !outlet->has_end) {
        size_t held = (size_t)(outlet->ring.head - outlet->ring.base), most = share();
        if (held >= most) break;
        size_t want = most - held < sizeof session_scratch ? most - held : sizeof session_scratch;
        ssize_t got = read(tunnel->fd, session_scratch, want);
        if (got > 0)
            ring_append(&outlet->ring, session_scratch, (size_t)got);
        else if (got == 0)
            outlet_end(outlet, outlet->ring.head);
        else if (errno == EAGAIN)
            tunnel->is_readable = false;
        else if (errno != EINTR)
            return fail(tunnel, errno);
    }
    return true;
}

static bool write_some(struct tunnel *tunnel) {
    struct ring *ring = &tunnel->ring;
    while (ring->base < ring->head) {
        const uint8_t *front = NULL;
        size_t run = ring_front(ring, &front);
        ssize_t put = send(tunnel->fd, front, run, MSG_NOSIGNAL);
        if (put >= 0)
            ring_drop(ring, ring->base + (uint64_t)put);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return fail(tunnel, errno);
    }
    inlet_acknowledge(&tunnel->inlet, ring->base);
    if (tunnel->inlet.has_eof && ring->base == ring->head && !tunnel->is_shut) {
        shutdown(tunnel->fd, SHUT_WR);
        tunnel->is_shut = true;
    }
    return true;
}

void tunnel_ready(uint32_t stream, uint32_t events) {
    struct tunnel *tunnel = find(stream);
    if (!tunnel || (!tunnel->is_connected && !has_connected(tunnel, events))) return;
    // A reset after the end of the output shows in no later read.
    int error = tunnel->outlet.has_end && (events & EPOLLERR) ? error_of(tunnel) : 0;
    if (error) {
        fail(tunnel, error);
        return;
    }
    if (events & ~(uint32_t)EPOLLOUT) tunnel->is_readable = true;
    if (read_some(tunnel)) write_some(tunnel);
}

bool tunnel_data(uint32_t stream, uint64_t offset, const uint8_t *bytes, size_t size) {
    struct tunnel *tunnel = find(stream);
    if (!inlet_receive(&tunnel->inlet, offset, size)) return false;
    ring_append(&tunnel->ring, bytes, size);
    write_some(tunnel);
    return true;
}

bool tunnel_eof(uint32_t stream, uint64_t offset) {
    struct tunnel *tunnel = find(stream);
    if (!inlet_receive_eof(&tunnel->inlet, offset)) return false;
    write_some(tunnel);
    return true;
}

bool tunnel_window(uint32_t stream, uint64_t acked, uint64_t limit) {
    struct tunnel *tunnel = find(stream);
    if (!outlet_window(&tunnel->outlet, acked, limit)) return false;
    if (tunnel->is_connected) read_some(tunnel);
    return true;
}

void tunnels_send_due(void) {
    for (struct tunnel *tunnel = tunnels, *following; tunnel; tunnel = following) {
        following = tunnel->following;
        if (tunnel->inlet.owes_window) session_send_window(tunnel->stream, CHANNEL_STDIN, &tunnel->inlet);
        if (!tunnel->outlet.sent_eof || !tunnel->is_shut) continue;
        reply_empty(tunnel->stream);
        end(tunnel);
    }
}
