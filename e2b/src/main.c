// The gateway's program in a guest: answers lines of JSON from standard input on standard output, and ends with its input. As `relay PORT` it is
// one connection to a server of the guest.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "file.h"
#include "json.h"
#include "place.h"
#include "relay.h"
#include "reply.h"
#include "system.h"
#include "tree.h"
#include "watch.h"

enum { LINE_BYTES = 131072 };

static void show(int64_t id, struct json request) {
    struct place_user user;
    char path[PATH_MAX];
    int error = place_user(request, &user);
    if (!error) error = place_path(request, "path", &user, path);
    if (error) return reply_failed(id, error, NULL);
    entry_reply(id, path);
}

static void drain(int64_t id, struct json request) {
    (void)request;
    watch_drain();
    reply_done(id);
}

static void measure(int64_t id, struct json request) {
    (void)request;
    system_metrics(id);
}

static const struct {
    const char *name;
    void (*perform)(int64_t id, struct json request);
} operations[] = {
    {"stat", show},         {"list", tree_list},   {"mkdir", tree_make},      {"move", tree_move},  {"remove", tree_remove},
    {"find", file_find},    {"write", file_write}, {"watch", watch_begin},    {"unwatch", watch_end},
    {"drain", drain},       {"metrics", measure},  {"signal", system_signal}, {"user", system_user},
};

static void perform(const char *line, size_t length) {
    struct json request, field;
    int64_t id = 0;
    char name[32];
    if (!json_parse(line, length, &request) || !json_field(request, "id", &field) || !json_integer(field, 1, INT64_MAX, &id) ||
        !json_field(request, "op", &field) || json_text(field, name, sizeof name) < 0)
        return reply_failed(id, EINVAL, "not a request");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].name, name) == 0) return operations[i].perform(id, request);
    reply_failed(id, EINVAL, "unknown operation");
}

// Takes the whole lines at the beginning of the buffer; returns how many bytes are left.
static size_t take_lines(char *buffer, size_t length) {
    char *at = buffer, *end;
    while ((end = memchr(at, '\n', length - (size_t)(at - buffer)))) {
        perform(at, (size_t)(end - at));
        at = end + 1;
    }
    size_t left = length - (size_t)(at - buffer);
    memmove(buffer, at, left);
    return left;
}

int main(int argc, char **argv) {
    static char buffer[LINE_BYTES];
    size_t length = 0;
    if (argc == 3 && strcmp(argv[1], "relay") == 0) return relay(argv[2]);
    umask(022);
    for (;;) {
        struct pollfd fds[WATCHES_MAX + 1];
        int count = watch_poll(fds);
        fds[count] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
        reply_flush();
        if (poll(fds, (nfds_t)count + 1, -1) < 0 && errno != EINTR) return 1;
        // Events first: they happened before the question that now waits.
        watch_drain();
        if (!fds[count].revents) continue;
        ssize_t got = read(STDIN_FILENO, buffer + length, sizeof buffer - length);
        if (got <= 0) return 0;
        length = take_lines(buffer, length + (size_t)got);
        if (length == sizeof buffer) return 1;
    }
}
