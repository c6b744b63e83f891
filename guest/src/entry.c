// One record of a stage becomes one entry of its tree.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "stage.h"

enum {
    MASKED = 022, // the agent's umask
    BLOCK_BYTES = 4096,
    DIRECT_MIN_BYTES = 65536,
};

// Splits the record's path and opens the folder, making it when it is missing.
static bool open_folder(struct stage *stage) {
    const char *path = stage->parser.record.path, *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    stage->name = slash ? slash + 1 : path;
    bool is_same = stage->folder_fd >= 0 && strlen(stage->folder) == length && memcmp(stage->folder, path, length) == 0;
    if (is_same) return true;
    if (stage->folder_fd >= 0) close(stage->folder_fd);
    memcpy(stage->folder, path, length);
    stage->folder[length] = '\0';
    stage->folder_fd = beneath_make(stage->root_fd, stage->folder);
    return stage->folder_fd >= 0;
}

static struct timespec read_mtime(const struct record *record) {
    return (struct timespec){.tv_sec = (time_t)record->mtime_s, .tv_nsec = (long)record->mtime_ns};
}

static bool note_folder(struct stage *stage, const char *path) {
    char whole[PATH_MAX];
    const char *destination = stage->destination;
    int length = snprintf(whole, sizeof whole, "%s%s%s", destination, *destination && *path ? "/" : "", path);
    errno = ENAMETOOLONG;
    return length < (int)sizeof whole &&
           folders_add(&stage->folders, whole, stage->parser.record.mode, read_mtime(&stage->parser.record));
}

// What it will look like in the end is set when nothing more comes: until then it takes content.
static bool make_directory(struct stage *stage) {
    if (mkdirat(stage->folder_fd, stage->name, 0700) < 0) {
        if (errno != EEXIST) return false;
        int fd = beneath_open(stage->folder_fd, stage->name, O_RDONLY | O_DIRECTORY);
        if (fd < 0) return false;
        close(fd);
    }
    return note_folder(stage, stage->parser.record.path);
}

// Room for the name, which something earlier may have, unless that is a directory.
static bool make_way(struct stage *stage) {
    struct stat entry;
    if (fstatat(stage->folder_fd, stage->name, &entry, AT_SYMLINK_NOFOLLOW) < 0) return false;
    errno = EISDIR;
    return !S_ISDIR(entry.st_mode) && unlinkat(stage->folder_fd, stage->name, 0) == 0;
}

static bool make_file(struct stage *stage) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    stage->file_fd = openat(stage->folder_fd, stage->name, flags, stage->parser.record.mode);
    stage->file_bytes = 0;
    stage->is_direct = false;
    return stage->file_fd >= 0;
}

static bool make_symlink(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    if (symlinkat(record->target, stage->folder_fd, stage->name) < 0) return false;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, read_mtime(record)};
    return utimensat(stage->folder_fd, stage->name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool make_hardlink(struct stage *stage) {
    const char *target = stage->parser.record.target, *slash = strrchr(target, '/');
    char folder[PATH_MAX];
    size_t length = slash ? (size_t)(slash - target) : 0;
    memcpy(folder, target, length);
    folder[length] = '\0';
    int fd = beneath_open(stage->root_fd, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return false;
    struct stat entry;
    const char *name = slash ? slash + 1 : target;
    bool is_made = fstatat(fd, name, &entry, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_made && !S_ISREG(entry.st_mode)) {
        errno = S_ISLNK(entry.st_mode) ? ELOOP : EINVAL;
        is_made = false;
    }
    is_made = is_made && linkat(fd, name, stage->folder_fd, stage->name, 0) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return is_made;
}

static bool make(struct stage *stage) {
    switch (stage->parser.record.type) {
    case RECORD_FILE: return make_file(stage);
    case RECORD_SYMLINK: return make_symlink(stage);
    default: return make_hardlink(stage);
    }
}

static bool names_itself(const struct record *record) {
    return record->type == RECORD_HARDLINK && strcmp(record->path, record->target) == 0;
}

bool entry_begin(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    if (strcmp(record->path, ".") == 0) return note_folder(stage, "");
    if (!open_folder(stage)) return false;
    if (record->type == RECORD_DIRECTORY) return make_directory(stage);
    if (make(stage)) return true;
    return errno == EEXIST && (names_itself(record) || (make_way(stage) && make(stage)));
}

static bool go_direct(struct stage *stage, bool is_direct) {
    if (stage->is_direct == is_direct) return true;
    if (fcntl(stage->file_fd, F_SETFL, is_direct ? O_DIRECT : 0) < 0) return false;
    stage->is_direct = is_direct;
    return true;
}

// The bytes of a large and aligned piece that go to the disk as they lie: pages made for them, and copies, would take longest.
static size_t count_direct(struct stage *stage, const uint8_t *bytes, size_t size) {
    bool is_aligned = (uintptr_t)bytes % BLOCK_BYTES == 0 && stage->file_bytes % BLOCK_BYTES == 0;
    bool is_direct = is_aligned && size >= DIRECT_MIN_BYTES && go_direct(stage, true);
    return is_direct ? size / BLOCK_BYTES * BLOCK_BYTES : 0;
}

bool entry_write(struct stage *stage, const uint8_t *bytes, size_t size) {
    size_t direct = count_direct(stage, bytes, size);
    while (size > 0) {
        if (direct == 0 && !go_direct(stage, false)) return false;
        ssize_t done = write(stage->file_fd, bytes, direct ? direct : size);
        bool is_undone = done < 0 && errno == EINVAL && direct; // this file system cannot
        if (is_undone) direct = 0;
        if (done < 0 && errno != EINTR && !is_undone) return false;
        if (done <= 0) continue;
        direct = (size_t)done < direct && done % BLOCK_BYTES == 0 ? direct - (size_t)done : 0;
        stage->file_bytes += done;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

bool entry_end(struct stage *stage) {
    if (stage->file_fd < 0) return true;
    const struct record *record = &stage->parser.record;
    int fd = stage->file_fd;
    bool is_done = (record->mode & MASKED) == 0 || fchmod(fd, record->mode) == 0;
    is_done = is_done && futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, read_mtime(record)}) == 0;
    is_done = close(fd) == 0 && is_done;
    stage->file_fd = -1;
    return is_done;
}
