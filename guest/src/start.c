#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "job.h"
#include "reply.h"
#include "spawn.h"

enum {
    // A word of a list takes three bytes of JSON, so no frame holds more words than this.
    WORDS_MAX = PAYLOAD_MAX_BYTES / 3 + 32,
    ARENA_BYTES = PAYLOAD_MAX_BYTES + 1024,
};

static const char *const default_environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    "TERM=xterm-256color", // last: only with a terminal
};

static struct {
    char *words[WORDS_MAX];
    size_t word_count;
    char arena[ARENA_BYTES];
    size_t arena_used;
    char cwd[PATH_MAX];
    bool wants_stdin, wants_tty;
    int64_t rows, columns;
} start;

static void add_word(const char *word) { start.words[start.word_count++] = (char *)word; }

// Decodes into the arena; NULL when the value is no text or holds a NUL.
static char *keep_text(struct json value) {
    char *at = start.arena + start.arena_used;
    ssize_t length = json_text(value, at, sizeof start.arena - start.arena_used);
    if (length < 0) return NULL;
    start.arena_used += (size_t)length + 1;
    return at;
}

static const char *read_argv(struct json request) {
    struct json list, item, name;
    start.word_count = 0;
    bool has_argv = json_field(request, "argv", &list);
    bool has_command = json_field(request, "command", &item);
    if (has_argv == has_command) return "one of `argv` and `command` must be given";
    if (has_command) {
        char *line = keep_text(item);
        if (!line) return "`command` must be a text without NUL";
        add_word("/bin/sh");
        add_word("-c");
        add_word(line);
    } else {
        if (!json_is_array(list)) return "`argv` must be a list of texts";
        for (const char *at = NULL; json_next(list, &at, &name, &item);) {
            char *word = keep_text(item);
            if (!word) return "`argv` must be a list of texts without NUL";
            add_word(word);
        }
        if (start.word_count == 0 || !*start.words[0]) return "`argv` must name a program";
    }
    add_word(NULL);
    return NULL;
}

static bool is_given(char *const *from, char *const *to, const char *assignment) {
    size_t length = (size_t)(strchr(assignment, '=') - assignment) + 1;
    for (; from < to; from++)
        if (strncmp(*from, assignment, length) == 0) return true;
    return false;
}

static const char *read_environment(struct json request) {
    struct json object, name, value;
    char **given = start.words + start.word_count;
    if (json_field(request, "env", &object)) {
        if (!json_is_object(object)) return "`env` must be an object of texts";
        for (const char *at = NULL; json_next(object, &at, &name, &value);) {
            char *assignment = keep_text(name);
            if (!assignment || !*assignment || strchr(assignment, '=')) return "`env` has a name that cannot be";
            start.arena[start.arena_used - 1] = '=';
            if (!keep_text(value)) return "`env` must be an object of texts without NUL";
            add_word(assignment);
        }
    }
    char **given_end = start.words + start.word_count;
    size_t defaults = sizeof default_environment / sizeof *default_environment - (start.wants_tty ? 0 : 1);
    for (size_t i = 0; i < defaults; i++)
        if (!is_given(given, given_end, default_environment[i])) add_word(default_environment[i]);
    add_word(NULL);
    return NULL;
}

static bool read_flag(struct json request, const char *name, bool *flag) {
    struct json value;
    *flag = false;
    return !json_field(request, name, &value) || json_bool(value, flag);
}

static bool read_size(struct json request, const char *name, int64_t fallback, int64_t *size) {
    struct json value;
    *size = fallback;
    return !json_field(request, name, &value) || json_integer(value, 1, USHRT_MAX, size);
}

// NULL when all is well, else what is wrong with the request.
static const char *read_request(struct json request) {
    struct json value;
    start.arena_used = 0;
    if (!read_flag(request, "stdin", &start.wants_stdin)) return "`stdin` must be true or false";
    if (!read_flag(request, "tty", &start.wants_tty)) return "`tty` must be true or false";
    if (!read_size(request, "rows", 24, &start.rows)) return "`rows` must be 1 to 65535";
    if (!read_size(request, "cols", 80, &start.columns)) return "`cols` must be 1 to 65535";
    strcpy(start.cwd, "/");
    if (json_field(request, "cwd", &value) && (json_text(value, start.cwd, sizeof start.cwd) < 0 || *start.cwd != '/'))
        return "`cwd` must be an absolute path";
    const char *problem = read_argv(request);
    return problem ? problem : read_environment(request);
}

void start_answer(uint32_t stream, struct json request) {
    const char *problem = read_request(request);
    if (problem) return reply_error(stream, "BAD_REQUEST", 0, NULL, problem);
    if (jobs_count() == JOBS_MAX) return reply_error(stream, "TOO_MANY_JOBS", 0, NULL, "256 jobs are not released");
    size_t argc = 0;
    while (start.words[argc]) argc++;
    struct cgroup cgroup = cgroup_make();
    struct spawn spawn = {
        .argv = start.words,
        .environment = start.words + argc + 1,
        .cwd = start.cwd,
        .is_tty = start.wants_tty,
        .wants_stdin = start.wants_stdin,
        .rows = (unsigned short)start.rows,
        .columns = (unsigned short)start.columns,
        .cgroup_fd = cgroup.fd,
    };
    if (!spawn_run(&spawn)) {
        cgroup_leave(&cgroup);
        const char *path = spawn.failed == SPAWN_CWD ? start.cwd : spawn.failed == SPAWN_EXEC ? start.words[0] : NULL;
        return reply_error(stream, "SPAWN_FAILED", spawn.error, path, "the command could not be started");
    }
    job_add(stream, &spawn, cgroup);
    json_out_integer(reply_begin(), "pid", spawn.pid);
    reply_send(stream);
}
