#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "entry.h"
#include "place.h"
#include "reply.h"

static const uint32_t EVENTS = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

// A watched directory below a watch: `name` is relative to it, and empty for itself.
struct folder {
    int number;
    char *name;
};

struct watch {
    int64_t id; // 0: unused
    int fd;
    bool is_recursive;
    bool has_entries;
    char *path;
    struct folder *folders;
    size_t folder_count;
};

static struct watch watches[WATCHES_MAX];
static int64_t last_id;

static bool is_network(const char *path) {
    static const long kinds[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x5346414f, 0x00c36400};
    struct statfs facts;
    if (statfs(path, &facts) != 0) return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((unsigned long)facts.f_type == (unsigned long)kinds[i]) return true;
    return false;
}

// False when the path is too long to be used.
static bool full_path(const struct watch *watch, const char *name, char out[PATH_MAX]) {
    return snprintf(out, PATH_MAX, "%s%s%s", watch->path, *name ? "/" : "", name) < PATH_MAX;
}

static int add_folder(struct watch *watch, const char *name);

static int add_below(struct watch *watch, const char *name, const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return errno;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char child[PATH_MAX];
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (snprintf(child, sizeof child, "%s%s%s", name, *name ? "/" : "", entry->d_name) < (int)sizeof child)
            (void)add_folder(watch, child);
    }
    closedir(directory);
    return 0;
}

static int add_folder(struct watch *watch, const char *name) {
    char path[PATH_MAX];
    if (!full_path(watch, name, path)) return ENAMETOOLONG;
    int number = inotify_add_watch(watch->fd, path, EVENTS);
    if (number < 0) return errno;
    size_t at = 0;
    while (at < watch->folder_count && watch->folders[at].number != number) at++;
    if (at == watch->folder_count) {
        struct folder *more = realloc(watch->folders, (at + 1) * sizeof *more);
        if (!more) return ENOMEM;
        watch->folders = more;
        watch->folder_count++;
    } else {
        free(watch->folders[at].name);
    }
    watch->folders[at] = (struct folder){number, strdup(name)};
    return watch->is_recursive ? add_below(watch, name, path) : 0;
}

static void forget(struct watch *watch) {
    if (watch->fd >= 0) close(watch->fd);
    for (size_t i = 0; i < watch->folder_count; i++) free(watch->folders[i].name);
    free(watch->folders);
    free(watch->path);
    *watch = (struct watch){.fd = -1};
}

static bool flag(struct json request, const char *name) {
    struct json field;
    bool value = false;
    return json_field(request, name, &field) && json_bool(field, &value) && value;
}

static int open_watch(struct json request, struct watch *watch) {
    struct place_user user;
    char path[PATH_MAX];
    struct stat known;
    int error = place_user(request, &user);
    if (!error) error = place_path(request, "path", &user, path);
    if (!error && stat(path, &known) != 0) error = errno;
    if (!error && !S_ISDIR(known.st_mode)) error = ENOTDIR;
    if (!error && is_network(path) && !flag(request, "network")) error = EREMOTE;
    if (error) return error;
    *watch = (struct watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .path = strdup(strcmp(path, "/") ? path : "")};
    if (watch->fd < 0 || !watch->path) return errno;
    watch->is_recursive = flag(request, "recursive");
    watch->has_entries = flag(request, "entries");
    return add_folder(watch, "");
}

void watch_begin(int64_t id, struct json request) {
    struct watch *watch = watches;
    while (watch < watches + WATCHES_MAX && watch->id != 0) watch++;
    if (watch == watches + WATCHES_MAX) return reply_failed(id, EBUSY, "too many watches");
    int error = open_watch(request, watch);
    if (error) {
        if (watch->path) forget(watch);
        return reply_failed(id, error, NULL);
    }
    watch->id = ++last_id;
    struct json_out out = reply_begin(id);
    json_out_integer(&out, "number", watch->id);
    reply_send(&out);
    reply_done(id);
}

void watch_end(int64_t id, struct json request) {
    struct json field;
    int64_t number = 0;
    if (json_field(request, "number", &field)) (void)json_integer(field, 1, INT64_MAX, &number);
    for (struct watch *watch = watches; watch < watches + WATCHES_MAX; watch++)
        if (number != 0 && watch->id == number) forget(watch);
    reply_done(id);
}

int watch_poll(struct pollfd fds[WATCHES_MAX]) {
    int count = 0;
    for (int i = 0; i < WATCHES_MAX; i++)
        if (watches[i].id != 0) fds[count++] = (struct pollfd){watches[i].fd, POLLIN, 0};
    return count;
}

static const char *kind_of(uint32_t mask) {
    if (mask & (IN_CREATE | IN_MOVED_TO)) return "CREATE";
    if (mask & IN_MODIFY) return "WRITE";
    if (mask & (IN_DELETE | IN_DELETE_SELF)) return "REMOVE";
    if (mask & (IN_MOVED_FROM | IN_MOVE_SELF)) return "RENAME";
    return mask & IN_ATTRIB ? "CHMOD" : NULL;
}

static void send(struct watch *watch, uint32_t mask, const char *name) {
    const char *kind = kind_of(mask);
    if (!kind) return;
    struct json_out out = reply_begin_event(watch->id);
    json_out_text(&out, "kind", kind);
    json_out_text(&out, "name", name);
    char path[PATH_MAX];
    bool is_there = mask & (IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_ATTRIB);
    if (watch->has_entries && is_there && full_path(watch, name, path)) (void)entry_add(&out, path);
    reply_send(&out);
}

static void take(struct watch *watch, const struct inotify_event *event) {
    const struct folder *folder = watch->folders;
    while (folder < watch->folders + watch->folder_count && folder->number != event->wd) folder++;
    if (folder == watch->folders + watch->folder_count) return;
    bool is_below = *folder->name != '\0';
    // The parent's watch reports what happens to a directory itself.
    if (event->len == 0 && is_below) return;
    char name[PATH_MAX];
    int length = snprintf(name, sizeof name, "%s%s%s", folder->name, is_below ? "/" : "", event->len > 0 ? event->name : ".");
    if (length >= (int)sizeof name) return;
    if (watch->is_recursive && (event->mask & IN_ISDIR) && (event->mask & (IN_CREATE | IN_MOVED_TO)))
        (void)add_folder(watch, name);
    send(watch, event->mask, name);
}

static void drain(struct watch *watch) {
    _Alignas(struct inotify_event) static char bytes[65536];
    for (ssize_t count; (count = read(watch->fd, bytes, sizeof bytes)) > 0;)
        for (ssize_t at = 0; at < count;) {
            const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
            take(watch, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
}

void watch_drain(void) {
    for (struct watch *watch = watches; watch < watches + WATCHES_MAX; watch++)
        if (watch->id != 0) drain(watch);
}
