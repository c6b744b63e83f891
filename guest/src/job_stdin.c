// A job's stdin: bytes that the pipe does not accept yet wait in a ring.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fatal.h"
#include "job.h"
#include "mailbox.h"

void job_close_stdin(struct job *job) {
    if (job->input.fd >= 0 && !job->is_tty) close(job->input.fd);
    job->input.fd = -1;
    ring_drop(&job->input.ring, job->input.ring.head);
    ring_free(&job->input.ring);
    inlet_acknowledge(&job->input.inlet, job->input.inlet.received);
}

// A terminal has no end of input, only ^D: one after a line, two in the middle of one.
static void end_stdin(struct job *job) {
    if (job->is_tty) {
        bool in_line = job->input.inlet.received && job->input.last_byte != '\n';
        if (write(job->input.fd, "\x04\x04", in_line ? 2 : 1) < 0 && errno == EAGAIN) return;
    }
    job_close_stdin(job);
}

void job_write_stdin(struct job *job) {
    struct ring *ring = &job->input.ring;
    while (job->input.fd >= 0 && ring->base < ring->head) {
        const uint8_t *front = NULL;
        size_t run = ring_front(ring, &front);
        ssize_t put = write(job->input.fd, front, run);
        if (put > 0) {
            ring_drop(ring, ring->base + (uint64_t)put);
        } else if (put < 0 && errno == EINTR) {
            continue;
        } else {
            if (put == 0 || errno != EAGAIN) job_close_stdin(job); // the command has closed its stdin
            break;
        }
    }
    if (job->input.fd < 0) return;
    inlet_acknowledge(&job->input.inlet, ring->base);
    if (job->input.inlet.has_eof && ring->base == ring->head) end_stdin(job);
}

// Bytes that the pipe accepts at once are not copied to the ring.
static size_t write_directly(struct job *job, const uint8_t *bytes, size_t count) {
    struct ring *ring = &job->input.ring;
    if (ring->base < ring->head) return 0;
    ssize_t put = write(job->input.fd, bytes, count);
    if (put <= 0) return 0;
    ring->base = ring->head += (uint64_t)put;
    return (size_t)put;
}

bool job_stdin(struct job *job, uint64_t offset, const uint8_t *bytes, size_t count) {
    struct inlet *inlet = &job->input.inlet;
    if (!inlet_receive(inlet, offset, count)) return false;
    if (count) job->input.last_byte = bytes[count - 1];
    if (job->input.fd < 0) {
        inlet_acknowledge(inlet, inlet->received);
        return true;
    }
    size_t put = write_directly(job, bytes, count);
    ring_append(&job->input.ring, bytes + put, count - put);
    job_write_stdin(job);
    return true;
}

bool job_stdin_mail(struct job *job, uint64_t offset, uint64_t at, uint32_t length) {
    if (!job->input.is_mailed) return false;
    if (!job->input.is_large && !job->is_tty && job->input.fd >= 0) {
        job->input.is_large = true;
        fcntl(job->input.fd, F_SETPIPE_SZ, LARGE_PIPE_BYTES);
    }
    const uint8_t *bytes = mailbox_read(at, length);
    // Continuing would leave a hole in the command's input.
    if (!bytes) fatal("the mailbox was not read: errno %d", errno);
    return job_stdin(job, offset, bytes, length);
}

bool job_stdin_eof(struct job *job, uint64_t offset) {
    if (!inlet_receive_eof(&job->input.inlet, offset)) return false;
    job_write_stdin(job);
    return true;
}

void job_stdin_ready(uint32_t stream) {
    struct job *job = job_find(stream);
    if (job && job->input.fd >= 0) job_write_stdin(job);
}
