#include "absent.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "beneath.h"
#include "place.h"

bool absent_is(const struct record *record) {
    return record->type == RECORD_ABSENT || record->type == RECORD_ABSENT_DIRECTORY;
}

// Opens the folder in the workspace. A folder behind a link, or in a file, was not brought by a push.
static bool open_folder(struct stage *stage) {
    bool is_same = place_is_same_folder(stage);
    if (!is_same && stage->folder_fd >= 0) {
        close(stage->folder_fd);
        stage->folder_fd = -1;
    }
    if (is_same && stage->old_folder_fd >= 0) return true;
    return place_open_folder(stage) || errno == ENOTDIR || errno == ELOOP || errno == EXDEV;
}

// Makes the folder in the tree too, since a commit enters only directories that the tree has. A staged file or link that takes the place
// of the folder, or of one above it, replaces all of it.
static bool make_folder(struct stage *stage) {
    int fd = beneath_make(stage->root_fd, stage->folder);
    if (fd >= 0) close(fd);
    return fd >= 0 || errno == ENOTDIR || errno == ELOOP;
}

static bool note(struct stage *stage) {
    char whole[PATH_MAX];
    const struct record *record = &stage->parser.record;
    const char *destination = stage->is_dry ? "" : stage->destination;
    struct timespec since = {.tv_sec = (time_t)record->mtime_s, .tv_nsec = (long)record->mtime_ns};
    int length = snprintf(whole, sizeof whole, "%s%s%s", destination, *destination ? "/" : "", record->path);
    errno = ENAMETOOLONG;
    return length < (int)sizeof whole &&
           removals_add(&stage->removals, whole, record->type == RECORD_ABSENT_DIRECTORY, since);
}

bool absent_begin(struct stage *stage) {
    struct removals *removals = &stage->removals;
    struct stat old;
    removals->asked++;
    if (!open_folder(stage)) return false;
    if (!place_find(stage, &old)) return true;
    if (!note(stage) || (!stage->is_dry && !make_folder(stage))) return false;
    struct removal *removal = removals->list[removals->count - 1];
    bool fits = removal_fits(removal, &old);
    removal->is_gone = fits && !removal->is_directory;
    removal->is_kept = !fits && !removal->is_directory;
    return true;
}
