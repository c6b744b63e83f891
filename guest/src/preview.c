#include "preview.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "place.h"
#include "replace.h"

static bool keep(struct stage *stage, const struct stat *found) {
    stage->unchanged++;
    return kept_add(&stage->kept, stage->folder, stage->name, found);
}

// Notes an entry of another type. A removal that makes room for the new one may follow. False with errno.
static bool note_clash(struct stage *stage) {
    struct stat old;
    bool is_directory = stage->parser.record.type == RECORD_DIRECTORY;
    if (!place_find(stage, &old) || is_directory == S_ISDIR(old.st_mode)) return true;
    return removals_add(&stage->clashes, stage->parser.record.path, is_directory, (struct timespec){0});
}

// The folder is missing in the workspace, since a file or link has the name of a directory above the entry.
static bool note_folder(struct stage *stage) {
    char path[PATH_MAX];
    strcpy(path, stage->folder);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int fd = beneath_open(stage->old_root_fd, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0) break;
        close(fd);
        *slash = '/';
    }
    return removals_add(&stage->clashes, path, true, (struct timespec){0});
}

static bool look_at_hardlink(struct stage *stage) {
    struct stat found, old;
    int fd = place_open_target(stage, stage->old_root_fd, &found);
    if (fd >= 0) close(fd);
    bool is_linked = fd >= 0 && place_find(stage, &old) && old.st_dev == found.st_dev && old.st_ino == found.st_ino;
    return !is_linked || !kept_has(&stage->kept, found.st_ino) || keep(stage, &old);
}

bool preview_begin(struct stage *stage) {
    const struct record *record = &stage->parser.record;
    struct stat old;
    if (strcmp(record->path, ".") == 0) {
        place_count_root(stage);
        return true;
    }
    if (!place_is_same_folder(stage) || stage->is_new) {
        stage->is_new = false;
        bool is_there = place_open_folder(stage);
        if (!is_there && errno != ENOTDIR && errno != ELOOP && errno != EXDEV) return false;
        if (!is_there && !note_folder(stage)) return false;
    }
    if (!note_clash(stage)) return false;
    switch (record->type) {
    case RECORD_FILE: equal_open(&stage->equal, stage->old_folder_fd, stage->name, record); return true;
    case RECORD_DIRECTORY: place_count_directory(stage); return true;
    case RECORD_SYMLINK: return !place_is_link(stage, &old) || keep(stage, &old);
    default: return look_at_hardlink(stage);
    }
}

bool preview_write(struct stage *stage, const uint8_t *bytes, size_t size) {
    bool was_held = stage->equal.is_held;
    equal_add(&stage->equal, bytes, size);
    if (was_held && !stage->equal.is_held) equal_close(&stage->equal);
    return true;
}

bool preview_end(struct stage *stage) {
    if (stage->parser.record.type != RECORD_FILE) return true;
    bool is_done = !equal_is(&stage->equal) || keep(stage, &stage->equal.old);
    equal_close(&stage->equal);
    return is_done;
}

int preview_finish(struct stage *stage) {
    char folder[PATH_MAX], *path = stage->parser.record.path;
    int error = 0;
    for (size_t i = 0; !error && i < stage->clashes.count; i++) {
        const struct removal *clash = stage->clashes.list[i];
        int64_t removed = 0;
        memcpy(folder, clash->path, clash->folder_length);
        folder[clash->folder_length] = '\0';
        strcpy(path, clash->path);
        int fd = beneath_open(stage->old_root_fd, folder, O_RDONLY | O_DIRECTORY);
        error = fd < 0 ? errno : replace_check(&stage->removals, fd, folder, removal_name(clash), path, &removed);
        if (fd >= 0) close(fd);
    }
    if (!error) removals_count(&stage->removals, stage->old_root_fd);
    return error;
}
