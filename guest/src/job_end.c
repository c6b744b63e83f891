#include "job.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "shepherd.h"
#include "signal_names.h"

enum {
    // How long the exit of a killed job waits for the end of its last process.
    KILL_WAIT_MS = 3000,
    LOOK_AGAIN_MS = 5,
};

void job_kill(struct job *job) {
    if (!job->is_killed) job->killed_ms = job->look_ms = now_ms();
    job->is_killed = true;
    if (job->shepherd_fd >= 0)
        shepherd_kill(job->shepherd_fd);
    else
        cgroup_kill(&job->cgroup);
    if (!job->has_ended) kill(-job->pid, SIGKILL);
}

void job_ended(struct job *job, int status) {
    job->has_ended = true;
    job->status = status;
    job->ended_ms = now_ms();
    job->output[0].is_readable |= job->is_tty;
    if (job->is_ending) job_kill(job);
    job_close_stdin(job);
    job_read_output(job, 0);
}

void job_reaped(pid_t pid, int status) {
    struct job *job;
    for (int i = 0; (job = job_at(i)); i++) {
        if (job->pid != pid || job->has_ended || job->shepherd_fd >= 0) continue;
        job_ended(job, status);
        return;
    }
}

void job_shepherd_ready(uint32_t stream) {
    struct job *job = job_find(stream);
    if (!job || job->shepherd_fd < 0) return;
    int status, got = shepherd_read(job->shepherd_fd, &status);
    if (got > 0 && !job->has_ended) job_ended(job, status);
    if (got >= 0) return;
    close(job->shepherd_fd);
    job->shepherd_fd = -1;
    job->look_ms = 0;
    // A killed shepherd has not reported the end of the command.
    if (!job->has_ended) job_ended(job, SIGKILL);
}

static bool has_both_ends(const struct job *job) {
    return job->output[0].outlet.has_end && job->output[1].outlet.has_end;
}

static bool is_empty(const struct job *job) { return job->shepherd_fd < 0 && cgroup_is_empty(&job->cgroup); }

// A killed job has ended when its ports and files are free again.
static bool is_being_killed(struct job *job) {
    uint64_t now = now_ms();
    if (!job->is_killed || now >= job->killed_ms + KILL_WAIT_MS) return false;
    if (now < job->look_ms) return true;
    // The pauses grow: many jobs that are killed at once must not keep the agent busy.
    job->look_ms = now + LOOK_AGAIN_MS + (now - job->killed_ms) / 2;
    return !is_empty(job);
}

uint64_t jobs_deadline_ms(void) {
    uint64_t deadline = UINT64_MAX;
    struct job *job;
    for (int i = 0; (job = job_at(i)); i++) {
        if (!job->has_ended || job->is_settled) continue;
        uint64_t due = has_both_ends(job) ? 0 : job->ended_ms + END_GRACE_MS;
        if (job->is_killed && job->look_ms > due) due = job->look_ms;
        if (due < deadline) deadline = due;
    }
    return deadline;
}

// The grace has passed: bytes in the pipe now still count, later ones do not.
static void fix_end(struct job *job, int which) {
    int waiting = 0;
    struct outlet *outlet = &job->output[which].outlet;
    if (outlet->has_end) return;
    if (ioctl(job->output[which].fd, FIONREAD, &waiting) < 0) waiting = 0;
    outlet_end(outlet, outlet->ring.head + (uint64_t)waiting);
    job->output[which].is_readable = true;
    job_read_output(job, which);
}

static void settle(struct job *job) {
    fix_end(job, 0);
    fix_end(job, 1);
    job->was_oom_killed = cgroup_was_oom_killed(&job->cgroup);
    job->is_settled = true;
}

void jobs_settle_due(void) {
    struct job *job;
    for (int i = 0; (job = job_at(i)); i++) {
        if (!job->has_ended || job->is_settled) continue;
        if (!has_both_ends(job) && now_ms() < job->ended_ms + END_GRACE_MS) continue;
        if (!is_being_killed(job)) settle(job);
    }
}

void job_render_exit(const struct job *job, struct json_out *out) {
    if (WIFSIGNALED(job->status))
        json_out_text(out, "signal", signal_name(WTERMSIG(job->status)));
    else
        json_out_integer(out, "exit_code", WEXITSTATUS(job->status));
    if (job->was_oom_killed) json_out_bool(out, "oom_killed", true);
    json_out_integer(out, "stdout_bytes", (int64_t)job->output[0].outlet.end);
    json_out_integer(out, "stderr_bytes", (int64_t)job->output[1].outlet.end);
    json_out_integer(out, "duration_ms", (int64_t)(job->ended_ms - job->started_ms));
}
