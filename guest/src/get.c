#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fatal.h"
#include "kernel.h"
#include "outlet.h"
#include "record.h"
#include "reply.h"
#include "session.h"
#include "transfer.h"

enum { DEPTH_MAX = 256, LISTING_BYTES = 4096 };

// A directory being read.
struct level {
    int fd;
    size_t path_length; // of the walk's path when this directory is at hand
    size_t at, count;
    struct level *above;
    _Alignas(8) char listing[LISTING_BYTES];
};

struct listed {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct get {
    uint32_t stream;
    struct outlet outlet;
    struct level *level;
    int depth;
    int file_fd;
    int64_t file_left;
    struct record record; // its path is where the walk stands
    int64_t entries, bytes, skipped;
    struct get *following;
};

static struct get *gets_list;
static int count;

int gets_count(void) { return count; }

struct get *get_find(uint32_t stream) {
    struct get *get = gets_list;
    while (get && get->stream != stream) get = get->following;
    return get;
}

static void leave_level(struct get *get) {
    struct level *level = get->level;
    get->level = level->above;
    get->depth--;
    close(level->fd);
    free(level);
}

void get_end(struct get *get) {
    struct get **link = &gets_list;
    while (*link != get) link = &(*link)->following;
    *link = get->following;
    count--;
    while (get->level) leave_level(get);
    if (get->file_fd >= 0) close(get->file_fd);
    outlet_remove(&get->outlet);
    free(get);
}

void gets_end(void) {
    while (gets_list) get_end(gets_list);
}

static void fail(struct get *get, int error, const char *message) {
    reply_error(get->stream, "IO", error, get->record.path, message);
    get_end(get);
}

static bool enter_level(struct get *get, int fd, size_t path_length) {
    if (get->depth == DEPTH_MAX) {
        close(fd);
        errno = ENAMETOOLONG;
        return false;
    }
    struct level *level = calloc(1, sizeof *level);
    if (!level) fatal("out of memory");
    level->fd = fd;
    level->path_length = path_length;
    level->above = get->level;
    get->level = level;
    get->depth++;
    return true;
}

static bool open_file(struct get *get, int folder, const char *name, struct stat *entry) {
    get->file_fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (get->file_fd < 0 || fstat(get->file_fd, entry) < 0) return false;
    get->file_left = S_ISREG(entry->st_mode) ? entry->st_size : 0;
    return true;
}

// Sends the header of the entry at record.path, which is `name` in `folder`.
static bool send_entry(struct get *get, int folder, const char *name) {
    struct stat entry;
    struct record *record = &get->record;
    int directory_fd = -1;
    record->target[0] = '\0';
    if (fstatat(folder, name, &entry, AT_SYMLINK_NOFOLLOW) < 0) return false;
    if (S_ISREG(entry.st_mode)) {
        if (!open_file(get, folder, name, &entry)) return false;
        record->type = RECORD_FILE;
    } else if (S_ISDIR(entry.st_mode)) {
        directory_fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (directory_fd < 0) return false;
        record->type = RECORD_DIRECTORY;
    } else if (S_ISLNK(entry.st_mode)) {
        ssize_t length = readlinkat(folder, name, record->target, sizeof record->target - 1);
        if (length < 0) return false;
        record->target[length] = '\0';
        record->type = RECORD_SYMLINK;
    } else {
        get->skipped++;
        return true;
    }
    record->mode = entry.st_mode & 0777;
    record->mtime_s = entry.st_mtim.tv_sec;
    record->mtime_ns = entry.st_mtim.tv_nsec;
    record->size = record->type == RECORD_FILE ? get->file_left : 0;
    ring_append(&get->outlet.ring, session_scratch, record_render(record, session_scratch));
    get->entries++;
    return directory_fd < 0 || enter_level(get, directory_fd, strlen(record->path));
}

static bool send_file_part(struct get *get) {
    size_t want = ring_room(&get->outlet.ring);
    if (want > sizeof session_scratch) want = sizeof session_scratch;
    if ((uint64_t)get->file_left < want) want = (size_t)get->file_left;
    ssize_t got = want ? read(get->file_fd, session_scratch, want) : 0;
    if (got < 0) return errno == EINTR;
    if (got == 0 && want) {
        errno = ESTALE; // the header has promised more
        return false;
    }
    ring_append(&get->outlet.ring, session_scratch, (size_t)got);
    get->bytes += got;
    get->file_left -= got;
    if (get->file_left == 0) {
        close(get->file_fd);
        get->file_fd = -1;
    }
    return true;
}

// The next name of the directory at hand, or NULL at its end (errno 0) or on failure.
static const char *next_name(struct level *level) {
    for (;;) {
        if (level->at == level->count) {
            long got = syscall(SYS_getdents64, level->fd, level->listing, sizeof level->listing);
            errno = got < 0 ? errno : 0;
            if (got <= 0) return NULL;
            level->at = 0;
            level->count = (size_t)got;
        }
        struct listed *listed = (struct listed *)(level->listing + level->at);
        level->at += listed->length;
        if (strcmp(listed->name, ".") != 0 && strcmp(listed->name, "..") != 0) return listed->name;
    }
}

static bool walk_on(struct get *get) {
    struct level *level = get->level;
    const char *name = next_name(level);
    if (!name && errno) return false;
    if (!name) {
        leave_level(get);
        return true;
    }
    size_t length = strlen(name), at = level->path_length;
    if (at + 1 + length >= sizeof get->record.path) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (at) get->record.path[at++] = '/';
    memcpy(get->record.path + at, name, length + 1);
    // An entry that went away between listing and looking was never there.
    return send_entry(get, level->fd, name) || errno == ENOENT;
}

// Produces as much as there is room for.
static void pump(struct get *get) {
    while (!get->outlet.has_end && ring_room(&get->outlet.ring) >= 4 + RECORD_HEADER_MAX_BYTES) {
        bool is_done = true;
        if (get->file_fd >= 0)
            is_done = send_file_part(get);
        else if (get->level)
            is_done = walk_on(get);
        else
            outlet_end(&get->outlet, get->outlet.ring.head);
        if (!is_done) return fail(get, errno, errno == ESTALE ? "the file shrank while it was read" : "the entry was not read");
    }
}

void get_start(uint32_t stream, const char *path) {
    struct get *get = calloc(1, sizeof *get);
    if (!get) fatal("out of memory");
    get->stream = stream;
    get->file_fd = -1;
    outlet_add(&get->outlet, stream, CHANNEL_CONTENT);
    get->following = gets_list;
    gets_list = get;
    count++;
    const char *name = strrchr(path, '/') + 1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_done = fd >= 0 && enter_level(get, fd, 0);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        strncpy(get->record.path, name, sizeof get->record.path - 1);
        is_done = send_entry(get, AT_FDCWD, path);
    }
    if (is_done) return;
    int error = errno;
    strncpy(get->record.path, path, sizeof get->record.path - 1);
    fail(get, error, "the path cannot be read");
}

bool get_window(struct get *get, uint64_t acked, uint64_t limit) {
    if (!outlet_window(&get->outlet, acked, limit)) return false;
    pump(get);
    return true;
}

// The answer follows the content's eof.
static void answer(struct get *get) {
    struct json_out *out = reply_begin();
    json_out_integer(out, "entries", get->entries);
    json_out_integer(out, "bytes", get->bytes);
    json_out_integer(out, "skipped", get->skipped);
    reply_send(get->stream);
    get_end(get);
}

void gets_send_due(void) {
    for (struct get *get = gets_list, *following; get; get = following) {
        following = get->following;
        if (get->outlet.sent_eof) answer(get);
    }
}
