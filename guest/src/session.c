#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dispatch.h"
#include "job.h"
#include "loop.h"
#include "mailbox.h"
#include "outlet.h"
#include "request.h"
#include "transfer.h"
#include "tunnel.h"

enum { CONTROL_BYTES = 4 * FRAME_MAX_BYTES, OUT_BYTES = 131072, READS_PER_TURN = 8 };

uint8_t session_scratch[PAYLOAD_MAX_BYTES];

static struct {
    int fd;
    bool is_port;     // read() == 0 means "no host now", not the end
    bool is_readable;
    bool is_writable;
    bool is_stalled;  // whole frames wait until answers were sent
    struct frame_parser parser;
    size_t in_count;
    size_t control_count;
    size_t out_from, out_count;
} session = {.fd = -1};

static uint8_t in[2 * FRAME_MAX_BYTES], control[CONTROL_BYTES], out[OUT_BYTES];

int session_fd(void) { return session.fd; }
bool session_is_active(void) { return session.parser.in_session; }
bool session_is_flushed(void) { return session.control_count == 0 && session.out_from == session.out_count; }

static void forget(void) {
    session.control_count = session.out_from = session.out_count = 0;
    mailbox_new_session();
    jobs_new_session();
    transfers_end();
    tunnels_end();
}

void session_attach(int fd, bool is_port) {
    if (session.fd >= 0) close(session.fd);
    session.fd = fd;
    session.is_port = is_port;
    session.parser.in_session = false;
    session.in_count = 0;
    session.is_readable = session.is_writable = fd >= 0;
    forget();
    if (fd >= 0) loop_watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, LOOP_SESSION, 0);
}

// Half of the space is reserved for frames without a request.
static bool has_room_for_answers(void) { return session.control_count <= CONTROL_BYTES / 2; }

bool session_has_more(void) { return (session.is_readable || session.is_stalled) && has_room_for_answers(); }

static void lose(void) {
    session.parser.in_session = false;
    forget();
}

void session_send(uint8_t type, uint32_t stream, const char *payload, size_t length) {
    if (!session.parser.in_session) return;
    size_t whole = FRAME_HEADER_BYTES + length + FRAME_TAG_BYTES;
    if (whole > CONTROL_BYTES - session.control_count) {
        lose();
        return;
    }
    uint8_t *at = frame_put_header(control + session.control_count, type, stream, (uint32_t)length);
    memcpy(at, payload, length);
    frame_put_tag(at + length, &session.parser);
    session.control_count += whole;
}

void session_send_window(uint32_t stream, uint8_t channel, struct inlet *inlet) {
    uint8_t payload[WINDOW_PAYLOAD_BYTES] = {channel};
    put_u64(put_u64(payload + 1, inlet->acked), inlet->limit);
    inlet->owes_window = false;
    session_send(TYPE_WINDOW, stream, (const char *)payload, sizeof payload);
}

static void greet(void) {
    forget();
    memcpy(control, BACK_MAGIC, MAGIC_BYTES);
    memcpy(control + MAGIC_BYTES, session.parser.nonce, NONCE_BYTES);
    session.control_count = MAGIC_BYTES + NONCE_BYTES;
    request_hello();
}

static void parse(void) {
    size_t from = 0;
    session.is_stalled = false;
    while (from < session.in_count) {
        if (!has_room_for_answers()) {
            session.is_stalled = true;
            break;
        }
        size_t used;
        struct frame frame;
        enum frame_event event =
            frame_parse(&session.parser, in + from, session.in_count - from, &used, &frame);
        from += used;
        if (event == FRAME_MORE) break;
        if (event == FRAME_SYNC) greet();
        if (event == FRAME_BROKEN || (event == FRAME_READY && !dispatch_frame(&frame))) lose();
    }
    // Worth the check: moving bytes onto themselves is slow, and happens for each 4 KiB of the port.
    if (from == 0) return;
    memmove(in, in + from, session.in_count - from);
    session.in_count -= from;
}

static void read_some(void) {
    for (int turn = 0; turn < READS_PER_TURN && session.is_readable && has_room_for_answers(); turn++) {
        size_t room = sizeof in - session.in_count;
        ssize_t got = room ? read(session.fd, in + session.in_count, room) : 0;
        if (got > 0) {
            session.in_count += (size_t)got;
        } else if (room) {
            bool is_over = !session.is_port && (got == 0 || (errno != EAGAIN && errno != EINTR));
            session.is_readable = got < 0 && errno == EINTR;
            if (is_over) {
                loop_session_over();
                return;
            }
        }
        parse();
    }
}

// Wait for space only while there is none: otherwise every write would wake the agent once more.
static void expect_room(bool waits) {
    session.is_writable = !waits;
    loop_rewatch(session.fd, EPOLLIN | EPOLLRDHUP | EPOLLET | (waits ? EPOLLOUT : 0), LOOP_SESSION, 0);
}

void session_ready(uint32_t events) {
    if (session.fd < 0) return;
    if (events & ~(uint32_t)EPOLLOUT) session.is_readable = true;
    // A port without a host reports EPOLLHUP and never EPOLLOUT: retrying at EPOLLHUP would be a busy loop.
    if (!session.is_writable && (events & EPOLLOUT)) expect_room(false);
    if (session.in_count) parse();
    read_some();
}

static void fill_out(void) {
    session.out_from = session.out_count = 0;
    jobs_send_due();
    transfers_send_due();
    tunnels_send_due();
    size_t count = session.control_count < OUT_BYTES ? session.control_count : OUT_BYTES;
    memcpy(out, control, count);
    memmove(control, control + count, session.control_count - count);
    session.control_count -= count;
    session.out_count = count;
    if (session.control_count) return;
    for (;;) {
        size_t made = outlet_emit_turns(&session.parser, out + session.out_count, OUT_BYTES - session.out_count);
        session.out_count += made;
        if (!made) break;
    }
}

void session_flush(void) {
    while (session.fd >= 0 && session.is_writable && session.parser.in_session) {
        if (session.out_from == session.out_count) fill_out();
        if (session.out_from == session.out_count) return;
        ssize_t put = write(session.fd, out + session.out_from, session.out_count - session.out_from);
        if (put > 0)
            session.out_from += (size_t)put;
        else if (put == 0 || errno != EINTR)
            expect_room(true); // a broken socket shows when it is read
    }
}
