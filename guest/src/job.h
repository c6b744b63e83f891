// Jobs: running commands, their output until it is acknowledged, their end until it is released.
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "inlet.h"
#include "json_out.h"
#include "outlet.h"
#include "spawn.h"

struct job {
    uint32_t stream;
    pid_t pid;
    int status;
    uint64_t started_ms, ended_ms;
    bool is_tty;
    bool has_ended;   // the command itself
    bool is_settled;  // the command has ended and all its output was read
    bool is_attached; // this session gets its exit
    bool sent_exit;
    bool is_ending;   // the host has requested the end of the whole job
    bool is_killed;   // all of it was killed, at killed_ms
    bool was_oom_killed;
    uint64_t killed_ms;
    uint64_t look_ms; // time of the next check for remaining processes
    struct cgroup cgroup; // in a VM
    int shepherd_fd;      // in a plain process; -1 when nothing of the job is left
    struct {
        int fd;
        bool is_readable;
        bool is_hung_up;
        bool is_large; // its pipe
        struct outlet outlet;
    } output[2];
    struct {
        int fd;
        bool is_wanted;
        bool is_mailed; // the host of this session may send mail
        bool is_large;  // its pipe
        uint8_t last_byte;
        struct inlet inlet;
        struct ring ring;
    } input;
};

struct job *job_find(uint32_t stream);
int jobs_count(void);
void jobs_list(struct json_out *out);

// The pipe of a command that moves much, in bytes.
enum { LARGE_PIPE_BYTES = 1048576 };

// Takes over the descriptors of a command that runs, and its group.
void job_add(uint32_t stream, const struct spawn *spawn, struct cgroup cgroup, bool is_mailed);
void job_attach(struct job *job);
// Bytes produced so far, or the total once it is known.
int64_t job_output_bytes(const struct job *job, int which);
enum job_reach { JOB_COMMAND, JOB_GROUP, JOB_ALL };
// 0 or an errno. JOB_ALL asks for the end of all of it: KILL kills everything the command has started, another signal goes to the group,
// and the remaining processes are killed when the command has ended. When a command ends by itself, its remaining processes keep running.
int job_signal(struct job *job, int number, enum job_reach reach);
void job_release(struct job *job);
void jobs_kill(void);

// Handle frames of the host. False when the frame is broken.
bool job_window(struct job *job, uint8_t channel, uint64_t acked, uint64_t limit);
bool job_stdin(struct job *job, uint64_t offset, const uint8_t *bytes, size_t count);
bool job_stdin_mail(struct job *job, uint64_t offset, uint64_t at, uint32_t length);
bool job_stdin_eof(struct job *job, uint64_t offset);

// Events.
void job_output_ready(uint32_t stream, int which, uint32_t events);
void job_stdin_ready(uint32_t stream);

// The end of jobs; job_end.c.
void job_reaped(pid_t pid, int status);
void job_shepherd_ready(uint32_t stream);
void job_ended(struct job *job, int status);
void job_kill(struct job *job);
uint64_t jobs_deadline_ms(void);
void jobs_settle_due(void);

struct job *job_at(int index); // NULL after the last

void jobs_new_session(void);
void jobs_send_due(void);
void job_render_exit(const struct job *job, struct json_out *out);

void job_read_output(struct job *job, int which);

// Writes what stdin holds; job_stdin.c.
void job_write_stdin(struct job *job);
void job_close_stdin(struct job *job);

#endif
