#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "job.h"
#include "login.h"
#include "reply.h"
#include "spawn.h"

enum {
    // The most words that a frame can hold: a word of a list takes three bytes of JSON; a variable takes seven and is stored three times.
    WORDS_MAX = PAYLOAD_MAX_BYTES / 2 + LOGIN_VARIABLES_MAX + 32,
    ARENA_BYTES = PAYLOAD_MAX_BYTES + 1024,
};

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const default_environment[] = {
    "PATH=/root/.local/bin:" SYSTEM_PATH,
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    "TERM=xterm-256color", // last: only with a terminal
};
enum { OF_ACCOUNT = 5 };

static struct {
    char *words[WORDS_MAX];
    size_t word_count;
    // The variables of the request, which come first.
    size_t given_count;
    char arena[ARENA_BYTES];
    size_t arena_used;
    char cwd[PATH_MAX];
    struct user user;
    // The variables of another user, in the order of the defaults.
    char of_account[OF_ACCOUNT][PATH_MAX + 128];
    bool wants_stdin, wants_tty, is_mailed;
    int64_t rows, columns;
} start;

static void add_word(const char *word) { start.words[start.word_count++] = (char *)word; }

// Decodes into the arena; NULL when the value is not text or contains a NUL.
static char *keep_text(struct json value) {
    char *at = start.arena + start.arena_used;
    ssize_t length = json_text(value, at, sizeof start.arena - start.arena_used);
    if (length < 0) return NULL;
    start.arena_used += (size_t)length + 1;
    return at;
}

static const char *read_given(struct json request) {
    struct json object, name, value;
    start.word_count = 0;
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
    start.given_count = start.word_count;
    return NULL;
}

// A shell script with three groups of arguments, divided by `--`. It takes the exported variables of the login files in the first;
// each file may fail or print anything. It sets the variables in the second, and becomes a shell for the command line.
static const char login_script[] =
    "while [ \"$1\" != -- ]; do [ ! -r \"$1\" ] || { all=$({ . \"$1\"; } </dev/null >&2; export -p) && eval \"$all\"; }; shift; done;"
    "shift; while [ \"$1\" != -- ]; do command export \"$1\"; shift; done; exec /bin/sh -c \"$2\"";

static void add_shell(const char *line) {
    size_t count;
    const char *const *files = login_changed(&count);
    // They are root's.
    if (start.user.is_other) count = 0;
    add_word("/bin/sh");
    add_word("-c");
    if (count > 0) {
        add_word(login_script);
        add_word("/bin/sh");
        while (count-- > 0) add_word(*files++);
        add_word("--");
        for (size_t i = 0; i < start.given_count; i++) add_word(start.words[i]);
        add_word("--");
    }
    add_word(line);
}

static const char *read_argv(struct json request) {
    struct json list, item, name;
    bool has_argv = json_field(request, "argv", &list);
    bool has_command = json_field(request, "command", &item);
    if (has_argv == has_command) return "one of `argv` and `command` must be given";
    if (has_command) {
        char *line = keep_text(item);
        if (!line) return "`command` must be a text without NUL";
        add_shell(line);
    } else {
        if (!json_is_array(list)) return "`argv` must be a list of texts";
        for (const char *at = NULL; json_next(list, &at, &name, &item);) {
            char *word = keep_text(item);
            if (!word) return "`argv` must be a list of texts without NUL";
            add_word(word);
        }
        if (start.word_count == start.given_count || !*start.words[start.given_count])
            return "`argv` must name a program";
    }
    add_word(NULL);
    return NULL;
}

// Adds a variable unless one of that name is at `from` or later.
static void add_variable(size_t from, const char *assignment) {
    size_t length = (size_t)(strchr(assignment, '=') - assignment) + 1;
    for (size_t i = from; i < start.word_count; i++)
        if (strncmp(start.words[i], assignment, length) == 0) return;
    add_word(assignment);
}

// Sets the default variables that differ from root's for another user.
static void read_account(void) {
    struct account account;
    user_find_account(start.user.uid, &account);
    enum { SIZE = sizeof *start.of_account };
    snprintf(start.of_account[0], SIZE, "PATH=%s/.local/bin:" SYSTEM_PATH, *account.home && account.home[1] ? account.home : "");
    snprintf(start.of_account[1], SIZE, "HOME=%s", account.home);
    snprintf(start.of_account[2], SIZE, "USER=%s", account.name);
    snprintf(start.of_account[3], SIZE, "LOGNAME=%s", account.name);
    snprintf(start.of_account[4], SIZE, "SHELL=%s", account.shell);
}

// The request's variables, then /etc/environment (its last line for a name), then the defaults.
static void add_environment(void) {
    const char *assignments[LOGIN_VARIABLES_MAX];
    size_t from = start.word_count, count = login_read(assignments);
    for (size_t i = 0; i < start.given_count; i++) add_word(start.words[i]);
    while (count > 0) add_variable(from, assignments[--count]);
    size_t defaults = sizeof default_environment / sizeof *default_environment - (start.wants_tty ? 0 : 1);
    if (start.user.is_other) read_account();
    for (size_t i = 0; i < defaults; i++)
        add_variable(from, start.user.is_other && i < OF_ACCOUNT ? start.of_account[i] : default_environment[i]);
    add_word(NULL);
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

// NULL for a valid request, else the reason why it is invalid.
static const char *read_request(struct json request) {
    struct json value;
    start.arena_used = 0;
    if (!read_flag(request, "stdin", &start.wants_stdin)) return "`stdin` must be true or false";
    if (!read_flag(request, "tty", &start.wants_tty)) return "`tty` must be true or false";
    if (!read_flag(request, "mail", &start.is_mailed)) return "`mail` must be true or false";
    if (!read_size(request, "rows", 24, &start.rows)) return "`rows` must be 1 to 65535";
    if (!read_size(request, "cols", 80, &start.columns)) return "`cols` must be 1 to 65535";
    strcpy(start.cwd, "/");
    if (json_field(request, "cwd", &value) && (json_text(value, start.cwd, sizeof start.cwd) < 0 || *start.cwd != '/'))
        return "`cwd` must be an absolute path";
    const char *problem = read_given(request);
    if (!problem) problem = read_argv(request);
    if (!problem) add_environment();
    return problem;
}

void start_answer(uint32_t stream, struct json request) {
    if (!user_read(stream, request, &start.user)) return;
    const char *problem = read_request(request);
    if (problem) return reply_error(stream, "BAD_REQUEST", 0, NULL, problem);
    if (jobs_count() == JOBS_MAX) return reply_error(stream, "TOO_MANY_JOBS", 0, NULL, "256 jobs are not released");
    char **argv = start.words + start.given_count;
    size_t argc = 0;
    while (argv[argc]) argc++;
    struct cgroup cgroup = cgroup_take();
    struct spawn spawn = {
        .argv = argv,
        .environment = argv + argc + 1,
        .cwd = start.cwd,
        .is_tty = start.wants_tty,
        .wants_stdin = start.wants_stdin,
        .rows = (unsigned short)start.rows,
        .columns = (unsigned short)start.columns,
        .cgroup_fd = cgroup.fd,
        .user = &start.user,
    };
    if (!spawn_run(&spawn)) {
        cgroup_leave(&cgroup);
        const char *path = spawn.failed == SPAWN_CWD ? start.cwd : spawn.failed == SPAWN_EXEC ? argv[0] : NULL;
        return reply_error(stream, "SPAWN_FAILED", spawn.error, path, "the command could not be started");
    }
    job_add(stream, &spawn, cgroup, start.is_mailed);
    json_out_integer(reply_begin(), "pid", spawn.pid);
    reply_send(stream);
}
