#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "fatal.h"
#include "inlet.h"
#include "record.h"
#include "reply.h"
#include "session.h"
#include "transfer.h"

struct put {
    uint32_t stream;
    struct inlet inlet;
    struct record_parser parser;
    int root_fd;
    int folder_fd; // of the entry at hand; kept for the next one in the same folder
    char folder[PATH_MAX];
    const char *name; // the entry's name in its folder
    int file_fd;
    char temporary[32];
    int64_t entries, bytes;
    struct put *following;
};

static struct put *puts_list;
static int count;

int puts_count(void) { return count; }

struct put *put_find(uint32_t stream) {
    struct put *put = puts_list;
    while (put && put->stream != stream) put = put->following;
    return put;
}

void put_end(struct put *put) {
    struct put **link = &puts_list;
    while (*link != put) link = &(*link)->following;
    *link = put->following;
    count--;
    if (put->file_fd >= 0) {
        unlinkat(put->folder_fd, put->temporary, 0);
        close(put->file_fd);
    }
    if (put->folder_fd >= 0) close(put->folder_fd);
    close(put->root_fd);
    free(put);
}

void puts_end(void) {
    while (puts_list) put_end(puts_list);
}

// Answers with the failure that errno names and ends the put. A path that would have left is UNSAFE_PATH.
static void fail(struct put *put, int error) {
    bool is_unsafe = error == ELOOP || error == EXDEV;
    uint32_t stream = put->stream;
    reply_error(stream, is_unsafe ? "UNSAFE_PATH" : "IO", error, put->parser.record.path,
                is_unsafe ? "the path leads out of the destination or through a link" : "the entry was not written");
    put_end(put);
}

static void refuse(struct put *put, const char *code, const char *message) {
    reply_error(put->stream, code, 0, put->parser.record.path, message);
    put_end(put);
}

static int make_root(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT) return fd;
    char part[PATH_MAX];
    for (const char *at = path + 1;; at++) {
        if (*at && *at != '/') continue;
        memcpy(part, path, (size_t)(at - path));
        part[at - path] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST) return -1;
        if (!*at) return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
}

void put_start(uint32_t stream, const char *path) {
    int root_fd = make_root(path);
    if (root_fd < 0) return reply_error(stream, "IO", errno, path, "the destination cannot be opened");
    struct put *put = calloc(1, sizeof *put);
    if (!put) fatal("out of memory");
    put->stream = stream;
    put->root_fd = root_fd;
    put->folder_fd = put->file_fd = -1;
    put->following = puts_list;
    puts_list = put;
    count++;
    inlet_grant(&put->inlet);
}

// Splits the record's path and opens the folder, making it when it is missing.
static bool open_folder(struct put *put) {
    const char *path = put->parser.record.path, *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    put->name = slash ? slash + 1 : path;
    bool is_same = put->folder_fd >= 0 && strlen(put->folder) == length && memcmp(put->folder, path, length) == 0;
    if (is_same) return true;
    if (put->folder_fd >= 0) close(put->folder_fd);
    memcpy(put->folder, path, length);
    put->folder[length] = '\0';
    put->folder_fd = beneath_make(put->root_fd, put->folder);
    return put->folder_fd >= 0;
}

static struct timespec *read_times(const struct record *record, struct timespec times[2]) {
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_sec = (time_t)record->mtime_s, .tv_nsec = (long)record->mtime_ns};
    return times;
}

static bool make_directory(struct put *put) {
    struct timespec times[2];
    if (mkdirat(put->folder_fd, put->name, 0700) < 0 && errno != EEXIST) return false;
    int fd = beneath_open(put->folder_fd, put->name, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return false;
    bool is_done = fchmod(fd, put->parser.record.mode) == 0 && futimens(fd, read_times(&put->parser.record, times)) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return is_done;
}

static bool begin_file(struct put *put) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    put->file_fd = openat(put->folder_fd, put->temporary, flags, 0600);
    return put->file_fd >= 0;
}

static bool write_content(struct put *put, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t done = write(put->file_fd, bytes, size);
        if (done < 0 && errno != EINTR) return false;
        if (done <= 0) continue;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

// Puts the temporary name in the entry's place.
static bool take_place(struct put *put) {
    if (renameat(put->folder_fd, put->temporary, put->folder_fd, put->name) < 0) {
        int error = errno;
        unlinkat(put->folder_fd, put->temporary, 0);
        errno = error;
        return false;
    }
    // Renaming one hard link onto another of the same file leaves both.
    if (put->parser.record.type == RECORD_HARDLINK) unlinkat(put->folder_fd, put->temporary, 0);
    return true;
}

static bool finish_file(struct put *put) {
    struct timespec times[2];
    int fd = put->file_fd;
    bool is_done = fchmod(fd, put->parser.record.mode) == 0 && futimens(fd, read_times(&put->parser.record, times)) == 0;
    is_done = is_done && take_place(put);
    if (!is_done) return false;
    close(fd);
    put->file_fd = -1;
    return true;
}

static bool make_symlink(struct put *put) {
    struct timespec times[2];
    if (symlinkat(put->parser.record.target, put->folder_fd, put->temporary) < 0) return false;
    utimensat(put->folder_fd, put->temporary, read_times(&put->parser.record, times), AT_SYMLINK_NOFOLLOW);
    return take_place(put);
}

static bool make_hardlink(struct put *put) {
    const char *target = put->parser.record.target, *slash = strrchr(target, '/');
    char folder[PATH_MAX];
    size_t length = slash ? (size_t)(slash - target) : 0;
    memcpy(folder, target, length);
    folder[length] = '\0';
    int fd = length ? beneath_open(put->root_fd, folder, O_RDONLY | O_DIRECTORY) : put->root_fd;
    if (fd < 0) return false;
    struct stat entry;
    const char *name = slash ? slash + 1 : target;
    bool is_made = fstatat(fd, name, &entry, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_made && !S_ISREG(entry.st_mode)) {
        errno = S_ISLNK(entry.st_mode) ? ELOOP : EINVAL;
        is_made = false;
    }
    is_made = is_made && linkat(fd, name, put->folder_fd, put->temporary, 0) == 0;
    int error = errno;
    if (fd != put->root_fd) close(fd);
    errno = error;
    return is_made && take_place(put);
}

static bool begin_entry(struct put *put) {
    // The number makes the name the put's own; what an ended VM left behind is in nobody's way.
    snprintf(put->temporary, sizeof put->temporary, ".pyro-put-%08x", put->stream);
    if (!open_folder(put)) return false;
    unlinkat(put->folder_fd, put->temporary, 0);
    switch (put->parser.record.type) {
    case RECORD_FILE: return begin_file(put);
    case RECORD_DIRECTORY: return make_directory(put);
    case RECORD_SYMLINK: return make_symlink(put);
    default: return make_hardlink(put);
    }
}

static bool is_safe(const struct record *record) {
    return beneath_is_plain(record->path) && (record->type != RECORD_HARDLINK || beneath_is_plain(record->target));
}

bool put_content(struct put *put, uint64_t offset, const uint8_t *bytes, size_t size) {
    if (!inlet_receive(&put->inlet, offset, size)) return false;
    inlet_acknowledge(&put->inlet, put->inlet.received);
    for (;;) {
        size_t used;
        enum record_event event = record_parse(&put->parser, bytes, size, &used);
        const uint8_t *content = bytes;
        bytes += used;
        size -= used;
        if (event == RECORD_MORE) return true;
        if (event == RECORD_BAD) {
            put->parser.record.path[0] = '\0';
            refuse(put, "BAD_REQUEST", "a record's header is malformed");
            return true;
        }
        bool is_done = true;
        if (event == RECORD_BEGINS && !is_safe(&put->parser.record)) {
            refuse(put, "UNSAFE_PATH", "a path must be relative, without `.`, `..` or empty parts");
            return true;
        }
        if (event == RECORD_BEGINS) is_done = begin_entry(put);
        if (event == RECORD_CONTENT) is_done = write_content(put, content, used);
        if (event == RECORD_CONTENT) put->bytes += (int64_t)used;
        if (event == RECORD_ENDS) {
            put->entries++;
            if (put->file_fd >= 0) is_done = finish_file(put);
        }
        if (!is_done) {
            fail(put, errno);
            return true;
        }
    }
}

bool put_content_eof(struct put *put, uint64_t offset) {
    if (!inlet_receive_eof(&put->inlet, offset)) return false;
    if (!record_is_between(&put->parser)) {
        refuse(put, "BAD_REQUEST", "the content ends within a record");
        return true;
    }
    struct json_out *out = reply_begin();
    json_out_integer(out, "entries", put->entries);
    json_out_integer(out, "bytes", put->bytes);
    reply_send(put->stream);
    put_end(put);
    return true;
}

void puts_send_due(void) {
    for (struct put *put = puts_list; put; put = put->following)
        if (put->inlet.owes_window) session_send_window(put->stream, CHANNEL_CONTENT, &put->inlet);
}
