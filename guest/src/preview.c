#include "preview.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "place.h"

static bool keep(struct stage *stage, const struct stat *found) {
    stage->unchanged++;
    return kept_add(&stage->kept, stage->folder, stage->name, found);
}

// False for a conflict that a commit would find.
static bool fits(const struct stage *stage) {
    struct stat old;
    bool is_directory = stage->parser.record.type == RECORD_DIRECTORY;
    if (!place_find(stage, &old) || is_directory == S_ISDIR(old.st_mode)) return true;
    errno = !is_directory ? EISDIR : S_ISLNK(old.st_mode) ? ELOOP : ENOTDIR;
    return false;
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
        if (!place_open_folder(stage)) return false;
    }
    if (!fits(stage)) return false;
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
