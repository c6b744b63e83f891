#include "request.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fetch.h"
#include "fields.h"
#include "get.h"
#include "job.h"
#include "json.h"
#include "list.h"
#include "loop.h"
#include "mailbox.h"
#include "read.h"
#include "remove.h"
#include "rename.h"
#include "reply.h"
#include "session.h"
#include "signal_names.h"
#include "stamp.h"
#include "start.h"
#include "stat.h"
#include "transfer.h"
#include "transfer_request.h"
#include "tunnel.h"
#include "user.h"
#include "wake.h"
#include "workspace.h"
#include "write.h"

static enum agent_mode mode;
static bool is_woken;

void request_open(enum agent_mode chosen) { mode = chosen; }
bool request_is_init(void) { return mode == MODE_INIT; }

void request_hello(void) {
    char text[16384];
    struct json_out out = json_out_begin(text, sizeof text);
    struct utsname kernel;
    uname(&kernel);
    json_out_integer(&out, "protocol", PROTOCOL_VERSION);
    json_out_text(&out, "agent", AGENT_VERSION);
    json_out_text(&out, "mode", request_is_init() ? "init" : "process");
    json_out_text(&out, "kernel", kernel.release);
    json_out_bool(&out, "woken", is_woken);
    json_out_bool(&out, "removes", true);
    json_out_bool(&out, "users", user_is_able());
    json_out_bool(&out, "zeros", true);
    json_out_bool(&out, "learns", true);
    json_out_bool(&out, "owns", user_is_able());
    if (mailbox_bytes()) json_out_integer(&out, "mailbox_bytes", mailbox_bytes());
    if (mailbox_out_bytes()) json_out_integer(&out, "outbox_bytes", mailbox_out_bytes());
    json_out_open(&out, "jobs", '[');
    jobs_list(&out);
    json_out_close(&out, ']');
    json_out_end(&out);
    session_send(TYPE_HELLO, 0, text, out.length);
}

// Gives the workspace to a user. Entries of later stages belong to that user too.
static void handle_own(uint32_t stream, struct json request) {
    struct user user;
    if (!user_read(stream, request, &user)) return;
    int root = workspace_open();
    bool is_done = root >= 0 && fchown(root, user.is_other ? user.uid : geteuid(), user.is_other ? user.gid : getegid()) == 0;
    int error = errno;
    if (root >= 0) close(root);
    if (!is_done) return reply_error(stream, "IO", error, workspace_path(), "the workspace cannot be given to the user");
    reply_begin();
    reply_send(stream);
}

static void refuse(uint32_t stream, const char *message) { reply_error(stream, "BAD_REQUEST", 0, NULL, message); }

static struct job *find_named_job(uint32_t stream, struct json request) {
    struct json value;
    int64_t number;
    if (!json_field(request, "job", &value) || !json_integer(value, 1, UINT32_MAX, &number)) {
        refuse(stream, "`job` must be a stream number");
        return NULL;
    }
    struct job *job = job_find((uint32_t)number);
    if (!job) reply_error(stream, "NO_SUCH_JOB", 0, NULL, "no job has this stream");
    return job;
}

static void handle_ping(uint32_t stream, struct json request) {
    (void)request;
    reply_empty(stream);
}

static void handle_wake(uint32_t stream, struct json request) {
    is_woken |= wake(stream, request, is_woken);
}

static void handle_freeze(uint32_t stream, struct json request) {
    (void)request;
    is_woken = false;
    reply_empty(stream);
}

static void handle_follow(uint32_t stream, struct json request) {
    struct job *job = find_named_job(stream, request);
    if (!job) return;
    struct json value;
    bool is_mailed = false;
    if (json_field(request, "mail", &value) && !json_bool(value, &is_mailed)) return refuse(stream, "`mail` must be true or false");
    job->input.is_mailed |= is_mailed;
    job_attach(job);
    struct json_out *out = reply_begin();
    json_out_text(out, "state", job->is_settled ? "exited" : "running");
    json_out_integer(out, "stdin_acked", (int64_t)job->input.inlet.acked);
    json_out_integer(out, "stdout_acked", (int64_t)job->output[0].outlet.ring.base);
    json_out_integer(out, "stderr_acked", (int64_t)job->output[1].outlet.ring.base);
    json_out_integer(out, "stdout_bytes", job_output_bytes(job, 0));
    json_out_integer(out, "stderr_bytes", job_output_bytes(job, 1));
    if (job->is_settled) {
        json_out_open(out, "exit", '{');
        job_render_exit(job, out);
        json_out_close(out, '}');
    }
    reply_send(stream);
}

static void handle_signal(uint32_t stream, struct json request) {
    struct job *job = find_named_job(stream, request);
    if (!job) return;
    struct json value;
    char name[16];
    bool to_group = false, to_all = false;
    if (!json_field(request, "signal", &value) || json_text(value, name, sizeof name) < 0 || !signal_number(name))
        return refuse(stream, "`signal` must be a signal's name");
    if (!json_field(request, "group", &value) || !json_bool(value, &to_group))
        return refuse(stream, "`group` must be true or false");
    if (json_field(request, "all", &value) && !json_bool(value, &to_all))
        return refuse(stream, "`all` must be true or false");
    int error = job_signal(job, signal_number(name), to_all ? JOB_ALL : to_group ? JOB_GROUP : JOB_COMMAND);
    if (error) return reply_error(stream, "IO", error, NULL, "the signal was not delivered");
    reply_empty(stream);
}

static void handle_resize(uint32_t stream, struct json request) {
    struct job *job = find_named_job(stream, request);
    if (!job) return;
    struct json rows, columns;
    int64_t row_count, column_count;
    if (!json_field(request, "rows", &rows) || !json_integer(rows, 1, USHRT_MAX, &row_count) ||
        !json_field(request, "cols", &columns) || !json_integer(columns, 1, USHRT_MAX, &column_count))
        return refuse(stream, "`rows` and `cols` must be 1 to 65535");
    if (!job->is_tty) return refuse(stream, "the job has no terminal");
    struct winsize size = {.ws_row = (unsigned short)row_count, .ws_col = (unsigned short)column_count};
    if (job->output[0].fd >= 0) ioctl(job->output[0].fd, TIOCSWINSZ, &size);
    reply_empty(stream);
}

static void handle_release(uint32_t stream, struct json request) {
    struct job *job = find_named_job(stream, request);
    if (!job) return;
    job_release(job);
    reply_empty(stream);
}

static void handle_stat(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    if (fields_path(stream, request, "path", path)) stat_answer(stream, path);
}

static void handle_sync(uint32_t stream, struct json request) {
    (void)request;
    // A plain process has no disks of its own.
    if (request_is_init()) sync();
    reply_empty(stream);
}

static void handle_poweroff(uint32_t stream, struct json request) {
    (void)request;
    reply_empty(stream);
    loop_stop_soon();
}

static const struct {
    const char *name;
    void (*handle)(uint32_t stream, struct json request);
    bool needs_wake, takes_user;
} operations[] = {
    {"ping", handle_ping, false, false},
    {"wake", handle_wake, false, false},
    {"freeze", handle_freeze, false, false},
    {"start", start_answer, true, false},
    {"follow", handle_follow, false, false},
    {"signal", handle_signal, false, false},
    {"resize", handle_resize, false, false},
    {"release", handle_release, false, false},
    {"stat", handle_stat, false, true},
    {"stage", transfer_request_stage, true, false},
    {"commit", transfer_request_commit, true, false},
    {"committed", transfer_request_committed, false, false},
    {"get", get_start, true, false},
    {"fetch", fetch_start, true, false},
    {"list", list_start, true, true},
    {"read", read_start, true, true},
    {"write", write_start, true, true},
    {"mkdir", mkdir_answer, true, true},
    {"rename", rename_answer, true, true},
    {"remove", remove_start, true, true},
    {"cancel", transfer_request_cancel, false, false},
    {"sync", handle_sync, false, false},
    {"learn", stamp_learn, true, false},
    {"dial", tunnel_start, true, false},
    {"own", handle_own, true, false},
    {"poweroff", handle_poweroff, false, false},
};

void request_handle(const struct frame *frame) {
    struct json request, value;
    char name[16];
    uint32_t stream = frame->stream;
    if (job_find(stream) || transfer_find(stream) || tunnel_exists(stream))
        return reply_error(stream, "EXISTS", 0, NULL, "the stream is in use");
    if (!json_parse((const char *)frame->payload, frame->length, &request))
        return refuse(stream, "not a JSON object of UTF-8, at most 8 deep");
    if (!json_field(request, "op", &value) || *value.at != '"') return refuse(stream, "`op` must be a text");
    if (json_text(value, name, sizeof name) < 0) name[0] = '\0';
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, name) != 0) continue;
        if (operations[i].needs_wake && request_is_init() && !is_woken)
            return reply_error(stream, "NOT_WOKEN", 0, NULL, "send wake first");
        struct user user = user_own;
        if (operations[i].takes_user && !user_read(stream, request, &user)) return;
        user_become(&user);
        operations[i].handle(stream, request);
        user_become(&user_own);
        return;
    }
    reply_error(stream, "UNSUPPORTED", 0, NULL, "no such operation");
}
