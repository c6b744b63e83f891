// One record of a stage becomes one entry of its tree.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "place.h"
#include "stage.h"
#include "workspace.h"

enum { MASKED = 022 }; // the agent's umask

// Opens the folder of the record's path, making it when it is missing.
static bool open_folder(struct stage *stage) {
    if (place_is_same_folder(stage) && stage->folder_fd >= 0) return true;
    if (stage->folder_fd >= 0) close(stage->folder_fd);
    stage->folder_fd = beneath_make(stage->root_fd, stage->folder);
    // These errors are left to the commit, which finds out whether the entry can take this place in the workspace.
    return stage->folder_fd >= 0 && (place_open_folder(stage) || errno == ENOTDIR || errno == ELOOP || errno == EXDEV || errno == EACCES);
}

// The current entry is not staged, since the workspace has it. An earlier staged record of its name is removed.
static bool keep(struct stage *stage, const struct stat *found) {
    if (unlinkat(stage->folder_fd, stage->name, 0) < 0 && errno != ENOENT) return false;
    stage->unchanged++;
    return kept_add(&stage->kept, stage->folder, stage->name, found);
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

// Mode and time are set at the end, after the content.
static bool make_directory(struct stage *stage) {
    if (mkdirat(stage->folder_fd, stage->name, 0700) < 0) {
        if (errno != EEXIST) return false;
        int fd = beneath_open(stage->folder_fd, stage->name, O_RDONLY | O_DIRECTORY);
        if (fd < 0) return false;
        close(fd);
    } else {
        workspace_own(stage->folder_fd, stage->name);
    }
    place_count_directory(stage);
    return note_folder(stage, stage->parser.record.path);
}

// Removes the entry that an earlier record put under this name. A directory stays; then the error is EISDIR.
static bool make_way(struct stage *stage) {
    struct stat entry;
    if (fstatat(stage->folder_fd, stage->name, &entry, AT_SYMLINK_NOFOLLOW) < 0) return false;
    errno = EISDIR;
    return !S_ISDIR(entry.st_mode) && unlinkat(stage->folder_fd, stage->name, 0) == 0;
}

static bool make_file(struct stage *stage) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    fill_open(&stage->file, openat(stage->folder_fd, stage->name, flags, stage->parser.record.mode));
    if (stage->file.fd >= 0) workspace_own(stage->folder_fd, stage->name);
    return stage->file.fd >= 0;
}

static bool make_symlink(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    if (symlinkat(record->target, stage->folder_fd, stage->name) < 0) return false;
    workspace_own(stage->folder_fd, stage->name);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, read_mtime(record)};
    return utimensat(stage->folder_fd, stage->name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

// The folder with a hard link's target, which is staged, or else is in the workspace; -1 with errno.
static int find_target_folder(struct stage *stage, struct stat *found) {
    int roots[] = {stage->root_fd, stage->old_root_fd};
    for (int i = 0; i < 2; i++) {
        int fd = place_open_target(stage, roots[i], found);
        if (fd >= 0 || errno != ENOENT) return fd;
    }
    return -1;
}

static bool make_hardlink(struct stage *stage) {
    const char *target = stage->parser.record.target, *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    struct stat found, old;
    int fd = find_target_folder(stage, &found);
    if (fd < 0) return false;
    bool is_linked = place_find(stage, &old) && old.st_dev == found.st_dev && old.st_ino == found.st_ino;
    bool is_made = is_linked ? keep(stage, &old) : linkat(fd, name, stage->folder_fd, stage->name, 0) == 0;
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

static bool put(struct stage *stage) {
    if (make(stage)) return true;
    return errno == EEXIST && (names_itself(&stage->parser.record) || (make_way(stage) && make(stage)));
}

bool entry_begin(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    struct stat old;
    if (strcmp(record->path, ".") == 0) {
        place_count_root(stage);
        return note_folder(stage, "");
    }
    if (!open_folder(stage)) return false;
    if (record->type == RECORD_DIRECTORY) return make_directory(stage);
    if (record->type == RECORD_SYMLINK && place_is_link(stage, &old)) return keep(stage, &old);
    if (record->type == RECORD_FILE) equal_open(&stage->equal, stage->old_folder_fd, stage->name, record);
    return stage->equal.is_held || put(stage);
}

bool entry_write(struct stage *stage, const uint8_t *bytes, size_t size) {
    struct equal *equal = &stage->equal;
    bool was_held = equal->is_held;
    equal_add(equal, bytes, size);
    if (equal->is_held) return true;
    if (was_held && !(put(stage) && equal_copy(equal, &stage->file))) return false;
    return fill_write(&stage->file, bytes, size);
}

static bool finish_file(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    int fd = stage->file.fd;
    bool is_done = fill_end(&stage->file);
    is_done = is_done && ((record->mode & MASKED) == 0 || fchmod(fd, record->mode) == 0);
    is_done = is_done && futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, read_mtime(record)}) == 0;
    is_done = close(fd) == 0 && is_done;
    stage->file.fd = -1;
    return is_done;
}

static bool end_file(struct stage *stage) {
    struct equal *equal = &stage->equal;
    bool is_equal = equal_is(equal);
    if (equal->is_held && is_equal) return keep(stage, &equal->old);
    if (equal->is_held && !(put(stage) && fill_write(&stage->file, equal->held, (size_t)equal->have))) return false;
    return finish_file(stage) && (!is_equal || keep(stage, &equal->old));
}

bool entry_end(struct stage *stage) {
    if (stage->parser.record.type != RECORD_FILE) return true;
    bool is_done = end_file(stage);
    int error = errno;
    equal_close(&stage->equal);
    errno = error;
    return is_done;
}
