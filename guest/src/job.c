#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fatal.h"
#include "loop.h"
#include "mailbox.h"
#include "session.h"

static struct job *jobs[JOBS_MAX];
static int count;

int jobs_count(void) { return count; }

struct job *job_find(uint32_t stream) {
    for (int i = 0; i < count; i++)
        if (jobs[i]->stream == stream) return jobs[i];
    return NULL;
}

struct job *job_at(int index) { return index < count ? jobs[index] : NULL; }

void jobs_list(struct json_out *out) {
    for (int i = 0; i < count; i++) json_out_item(out, jobs[i]->stream);
}

void job_add(uint32_t stream, const struct spawn *spawn, struct cgroup cgroup, bool is_mailed) {
    struct job *job = calloc(1, sizeof *job);
    if (!job) fatal("out of memory");
    jobs[count++] = job;
    job->stream = stream;
    job->pid = spawn->pid;
    job->started_ms = now_ms();
    job->is_tty = spawn->is_tty;
    job->cgroup = cgroup;
    job->shepherd_fd = spawn->shepherd_fd;
    job->input.fd = spawn->fds[0];
    job->input.is_wanted = spawn->wants_stdin;
    job->input.is_mailed = is_mailed;
    for (int i = 0; i < 2; i++) {
        job->output[i].fd = spawn->fds[1 + i];
        outlet_add(&job->output[i].outlet, stream, (uint8_t)(CHANNEL_STDOUT + i));
        job->output[i].outlet.takes_mail = mailbox_out_bytes() > 0;
        if (spawn->fds[1 + i] < 0) outlet_end(&job->output[i].outlet, 0);
    }
    // A terminal is one descriptor for both directions: its events come as LOOP_STDOUT.
    if (spawn->fds[0] >= 0 && !job->is_tty) loop_watch(spawn->fds[0], EPOLLOUT | EPOLLET, LOOP_STDIN, stream);
    loop_watch(spawn->fds[1], EPOLLIN | EPOLLET | (job->is_tty ? EPOLLOUT : 0), LOOP_STDOUT, stream);
    if (spawn->fds[2] >= 0) loop_watch(spawn->fds[2], EPOLLIN | EPOLLET, LOOP_STDERR, stream);
    if (job->shepherd_fd >= 0) loop_watch(job->shepherd_fd, EPOLLIN, LOOP_SHEPHERD, stream);
    job_attach(job);
}

void job_attach(struct job *job) {
    if (job->is_attached) return;
    job->is_attached = true;
    if (job->input.is_wanted && !job->has_ended) 
        inlet_grant(&job->input.inlet, job->input.is_mailed ? INPUT_MAILED_MAX_BYTES : INPUT_GRANT_MAX_BYTES);
}

static void let_go(struct job *job, int which) {
    if (job->output[which].fd < 0) return;
    if (job->is_tty) job_close_stdin(job);
    loop_drain(job->output[which].fd);
    job->output[which].fd = -1;
}

void job_release(struct job *job) {
    if (!job->has_ended) job_kill(job);
    if (job->shepherd_fd >= 0) close(job->shepherd_fd);
    cgroup_leave(&job->cgroup);
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

int job_signal(struct job *job, int number, enum job_reach reach) {
    loop_reap();
    job_shepherd_ready(job->stream);
    if (job->has_ended && reach != JOB_GROUP) return ESRCH;
    // The number of an ended group may have gone to another job.
    for (int i = 0; i < count; i++)
        if (jobs[i] != job && jobs[i]->pid == job->pid) return ESRCH;
    if (reach == JOB_ALL) job->is_ending = true;
    if (reach == JOB_ALL && number == SIGKILL) {
        job_kill(job);
        return 0;
    }
    return kill(reach == JOB_COMMAND ? job->pid : -job->pid, number) < 0 ? errno : 0;
}

void jobs_kill(void) {
    while (count) job_release(jobs[0]);
}

// A command that writes much does so in fewer, longer turns.
static void enlarge_pipe(struct job *job, int which) {
    const struct outlet *outlet = &job->output[which].outlet;
    if (!outlet->is_mailed || job->output[which].is_large || outlet->ring.head < LARGE_PIPE_BYTES) return;
    job->output[which].is_large = true;
    if (!job->is_tty) fcntl(job->output[which].fd, F_SETPIPE_SZ, LARGE_PIPE_BYTES);
}

void job_read_output(struct job *job, int which) {
    struct outlet *outlet = &job->output[which].outlet;
    while (job->output[which].is_readable && job->output[which].fd >= 0) {
        size_t want = outlet_room(outlet);
        if (outlet->has_end && want > outlet->end - outlet->ring.head) want = (size_t)(outlet->end - outlet->ring.head);
        size_t step = ring_step(&outlet->ring);
        if (want > step) want = step;
        if (outlet->has_end && outlet->ring.head == outlet->end) {
            let_go(job, which);
            return;
        }
        if (want == 0) return;
        uint8_t *into = ring_reserve(&outlet->ring, want, &want);
        ssize_t got = read(job->output[which].fd, into, want);
        if (got > 0) {
            ring_add(&outlet->ring, (size_t)got);
            enlarge_pipe(job, which);
            // A short read means that the pipe is empty: the next byte brings another event, unless the pipe has hung up.
            if ((size_t)got < want && !job->is_tty && !job->output[which].is_hung_up) job->output[which].is_readable = false;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            job->output[which].is_readable = false;
        } else if (job->is_tty && !job->has_ended) {
            // No process has the terminal open now; closing this end would hang up on a command that still runs.
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
    job_read_output(job, which);
}

bool job_window(struct job *job, uint8_t channel, uint64_t acked, uint64_t limit) {
    int which = channel - CHANNEL_STDOUT;
    if (!outlet_window(&job->output[which].outlet, acked, limit)) return false;
    job_attach(job);
    job_read_output(job, which);
    return true;
}

void jobs_new_session(void) {
    for (int i = 0; i < count; i++) {
        struct job *job = jobs[i];
        job->is_attached = job->sent_exit = job->input.is_mailed = false;
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
