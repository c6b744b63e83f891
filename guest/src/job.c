#include "job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fatal.h"
#include "loop.h"
#include "session.h"
#include "signal_names.h"

static struct job *jobs[JOBS_MAX];
static int count;

int jobs_count(void) { return count; }

struct job *job_find(uint32_t stream) {
    for (int i = 0; i < count; i++)
        if (jobs[i]->stream == stream) return jobs[i];
    return NULL;
}

void jobs_list(struct json_out *out) {
    for (int i = 0; i < count; i++) json_out_item(out, jobs[i]->stream);
}

void job_add(uint32_t stream, pid_t pid, const int fds[3], bool is_tty, bool wants_stdin) {
    struct job *job = calloc(1, sizeof *job);
    if (!job) fatal("out of memory");
    jobs[count++] = job;
    job->stream = stream;
    job->pid = pid;
    job->started_ms = now_ms();
    job->is_tty = is_tty;
    job->input.fd = fds[0];
    job->input.is_wanted = wants_stdin;
    for (int i = 0; i < 2; i++) {
        job->output[i].fd = fds[1 + i];
        outlet_add(&job->output[i].outlet, stream, (uint8_t)(CHANNEL_STDOUT + i));
        if (fds[1 + i] < 0) outlet_end(&job->output[i].outlet, 0);
    }
    // A terminal is one descriptor for both directions: its events come as LOOP_STDOUT.
    if (fds[0] >= 0 && !is_tty) loop_watch(fds[0], EPOLLOUT | EPOLLET, LOOP_STDIN, stream);
    loop_watch(fds[1], EPOLLIN | EPOLLET | (is_tty ? EPOLLOUT : 0), LOOP_STDOUT, stream);
    if (fds[2] >= 0) loop_watch(fds[2], EPOLLIN | EPOLLET, LOOP_STDERR, stream);
    job_attach(job);
}

void job_attach(struct job *job) {
    if (job->is_attached) return;
    job->is_attached = true;
    if (job->input.is_wanted && !job->has_ended) inlet_grant(&job->input.inlet, INPUT_GRANT_MAX_BYTES);
}

static void let_go(struct job *job, int which) {
    if (job->output[which].fd < 0) return;
    if (job->is_tty) job_close_stdin(job);
    loop_drain(job->output[which].fd);
    job->output[which].fd = -1;
}

void job_release(struct job *job) {
    if (!job->has_ended) {
        kill(-job->pid, SIGKILL);
        kill(job->pid, SIGKILL);
    }
    job_close_stdin(job);
    for (int i = 0; i < 2; i++) {
        let_go(job, i);
        outlet_remove(&job->output[i].outlet);
    }
    for (int i = 0; i < count; i++)
        if (jobs[i] == job) jobs[i] = jobs[--count];
    free(job);
}

int64_t job_output_bytes(const struct job *job, int which) {
    const struct outlet *outlet = &job->output[which].outlet;
    return (int64_t)(outlet->has_end ? outlet->end : outlet->ring.head);
}

int job_signal(const struct job *job, int number, bool to_group) {
    if (job->has_ended && !to_group) return ESRCH;
    // The number of an ended group may have gone to another job.
    for (int i = 0; i < count; i++)
        if (jobs[i] != job && jobs[i]->pid == job->pid) return ESRCH;
    return kill(to_group ? -job->pid : job->pid, number) < 0 ? errno : 0;
}

void jobs_kill(void) {
    while (count) job_release(jobs[0]);
}

static void read_output(struct job *job, int which) {
    struct outlet *outlet = &job->output[which].outlet;
    while (job->output[which].is_readable && job->output[which].fd >= 0) {
        size_t want = ring_room(&outlet->ring);
        if (outlet->has_end && want > outlet->end - outlet->ring.head) want = (size_t)(outlet->end - outlet->ring.head);
        if (want > sizeof session_scratch) want = sizeof session_scratch;
        if (outlet->has_end && outlet->ring.head == outlet->end) {
            let_go(job, which);
            return;
        }
        if (want == 0) return;
        ssize_t got = read(job->output[which].fd, session_scratch, want);
        if (got > 0) {
            ring_append(&outlet->ring, session_scratch, (size_t)got);
            // A short read has emptied a pipe; unless it has hung up, the next byte brings an edge.
            if ((size_t)got < want && !job->is_tty && !job->output[which].is_hung_up) job->output[which].is_readable = false;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            job->output[which].is_readable = false;
        } else if (job->is_tty && !job->has_ended) {
            // Nobody has the terminal open now; to close this end would hang up on a command that still runs.
            job->output[which].is_readable = false;
        } else {
            outlet_end(outlet, outlet->ring.head);
            if (job->is_tty) job_close_stdin(job);
            close(job->output[which].fd);
            job->output[which].fd = -1;
        }
    }
}

void job_output_ready(uint32_t stream, int which, uint32_t events) {
    struct job *job = job_find(stream);
    if (!job) return;
    if (job->is_tty && (events & EPOLLOUT) && job->input.fd >= 0) job_write_stdin(job);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    job->output[which].is_readable = true;
    if (events & EPOLLHUP) job->output[which].is_hung_up = true;
    read_output(job, which);
}

bool job_window(struct job *job, uint8_t channel, uint64_t acked, uint64_t limit) {
    int which = channel - CHANNEL_STDOUT;
    if (!outlet_window(&job->output[which].outlet, acked, limit)) return false;
    job_attach(job);
    read_output(job, which);
    return true;
}

void job_reaped(pid_t pid, int status) {
    for (int i = 0; i < count; i++) {
        if (jobs[i]->pid != pid || jobs[i]->has_ended) continue;
        jobs[i]->has_ended = true;
        jobs[i]->status = status;
        jobs[i]->ended_ms = now_ms();
        jobs[i]->output[0].is_readable |= jobs[i]->is_tty;
        job_close_stdin(jobs[i]);
        read_output(jobs[i], 0);
        return;
    }
}

uint64_t jobs_deadline_ms(void) {
    uint64_t deadline = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        uint64_t due = jobs[i]->ended_ms + END_GRACE_MS;
        if (jobs[i]->has_ended && !jobs[i]->is_settled && due < deadline) deadline = due;
    }
    return deadline;
}

// The grace is over: what lies in the pipe now still counts, what comes later does not.
static void fix_end(struct job *job, int which) {
    int waiting = 0;
    struct outlet *outlet = &job->output[which].outlet;
    if (outlet->has_end) return;
    if (ioctl(job->output[which].fd, FIONREAD, &waiting) < 0) waiting = 0;
    outlet_end(outlet, outlet->ring.head + (uint64_t)waiting);
    job->output[which].is_readable = true;
    read_output(job, which);
}

void jobs_settle_due(void) {
    for (int i = 0; i < count; i++) {
        struct job *job = jobs[i];
        if (!job->has_ended || job->is_settled) continue;
        bool both_known = job->output[0].outlet.has_end && job->output[1].outlet.has_end;
        if (!both_known && now_ms() < job->ended_ms + END_GRACE_MS) continue;
        fix_end(job, 0);
        fix_end(job, 1);
        job->is_settled = true;
    }
}

void jobs_new_session(void) {
    for (int i = 0; i < count; i++) {
        struct job *job = jobs[i];
        job->is_attached = job->sent_exit = false;
        outlet_close(&job->output[0].outlet);
        outlet_close(&job->output[1].outlet);
        job->input.ring.head = job->input.ring.base;
        inlet_reset(&job->input.inlet);
    }
}

void jobs_send_due(void) {
    for (int i = 0; i < count; i++) {
        struct job *job = jobs[i];
        if (job->input.inlet.owes_window) session_send_window(job->stream, CHANNEL_STDIN, &job->input.inlet);
        if (!job->is_settled || !job->is_attached || job->sent_exit) continue;
        char text[256];
        struct json_out out = json_out_begin(text, sizeof text);
        job_render_exit(job, &out);
        json_out_end(&out);
        job->sent_exit = true;
        session_send(TYPE_EXIT, job->stream, text, out.length);
    }
}

void job_render_exit(const struct job *job, struct json_out *out) {
    if (WIFSIGNALED(job->status))
        json_out_text(out, "signal", signal_name(WTERMSIG(job->status)));
    else
        json_out_integer(out, "exit_code", WEXITSTATUS(job->status));
    json_out_integer(out, "stdout_bytes", (int64_t)job->output[0].outlet.end);
    json_out_integer(out, "stderr_bytes", (int64_t)job->output[1].outlet.end);
    json_out_integer(out, "duration_ms", (int64_t)(job->ended_ms - job->started_ms));
}
