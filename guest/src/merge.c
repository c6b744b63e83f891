#include "merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "listing.h"
#include "merge_dir.h"
#include "replace.h"
#include "swap.h"

static bool fail(struct merge *merge, int error, const char *folder, const char *name) {
    merge->error = error;
    int length = snprintf(merge->path, sizeof merge->path, "%s%s%s", folder, *folder && *name ? "/" : "", name);
    if (length >= (int)sizeof merge->path) merge->path[0] = '\0';
    return false;
}

// The same for an entry that may have another one in its way.
static bool fail_at(struct merge *merge, int error, const char *folder, const char *name) {
    return *merge->blocker ? fail(merge, error, "", merge->blocker) : fail(merge, error, folder, name);
}

// A file that the guest built from the old version must have an earlier time than the new version, whatever time the host gave the new
// version.
static bool renew(const struct merge *merge, int folder, const char *name) {
    struct stat staged;
    struct timespec now;
    if (fstatat(folder, name, &staged, AT_SYMLINK_NOFOLLOW) < 0) return false;
    clock_gettime(CLOCK_REALTIME, &now);
    bool is_later = staged.st_mtim.tv_sec > now.tv_sec || (staged.st_mtim.tv_sec == now.tv_sec && staged.st_mtim.tv_nsec >= now.tv_nsec);
    // A staged link to a file that stays in its place: that file keeps its time.
    if (is_later || (staged.st_nlink > 1 && kept_has(merge->kept, staged.st_ino))) return true;
    return utimensat(folder, name, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, now}, AT_SYMLINK_NOFOLLOW) == 0;
}

// Returns 0, or the errno that says why the staged entry cannot take this place.
static int plan_entry(struct merge *merge, struct merge_dir *dir, struct merge_dir_fds fds, const struct dirent *entry) {
    struct stat staged, old;
    const char *name = entry->d_name;
    bool is_taken = fstatat(fds.place, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_taken && errno != ENOENT) return errno;
    if (!is_taken) return merge_dir_add_step(dir, STEP_MOVE, name) ? 0 : ENOMEM;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
        if (fstatat(fds.staged, name, &staged, AT_SYMLINK_NOFOLLOW) < 0) return errno;
        is_directory = S_ISDIR(staged.st_mode);
    }
    if (is_directory && S_ISDIR(old.st_mode)) return merge_dir_add(merge, dir->path, name) ? 0 : errno;
    if (is_directory || S_ISDIR(old.st_mode)) {
        int error = replace_check(merge->removals, fds.place, dir->path, name, merge->blocker, &merge->removals->done);
        if (error) return error;
        *merge->blocker = '\0';
    }
    if (!is_directory && !renew(merge, fds.staged, name)) return errno;
    return merge_dir_add_step(dir, STEP_SWAP, name) ? 0 : ENOMEM;
}

// Returns 0, or the errno that says why the removals in this directory cannot be noted.
static int plan_removals(struct merge *merge, struct merge_dir *dir, struct merge_dir_fds fds) {
    struct removals *removals = merge->removals;
    for (size_t i = removals_find(removals, dir->path); i < removals->count; i++) {
        const struct removal *removal = removals->list[i];
        struct stat old;
        if (!removal_is_in(removal, dir->path)) return 0;
        if (removal->is_directory || removal->is_replaced || fstatat(fds.place, removal_name(removal), &old, AT_SYMLINK_NOFOLLOW) < 0) continue;
        if (!removal_fits(removal, &old))
            removals->kept++;
        else if (!merge_dir_add_step(dir, STEP_REMOVE, removal_name(removal)))
            return ENOMEM;
    }
    return 0;
}

// Records the steps in one directory, and its subdirectories that exist on both sides. Changes nothing.
static bool plan(struct merge *merge, struct merge_dir *dir) {
    struct merge_dir_fds fds;
    if (!merge_dir_open(merge, dir, &fds)) return fail(merge, errno, dir->path, "");
    struct stat old;
    DIR *listing = NULL;
    int error = 0;
    if (fstat(fds.place, &old) < 0 || !(listing = listing_open(fds.staged))) error = errno;
    dir->mode = old.st_mode & 07777;
    dir->mtime = old.st_mtim;
    struct folder *folder = folders_find(merge->folders, dir->path);
    if (folder) folder->is_met = true;
    dir->folder = folder;
    const struct dirent *entry = NULL;
    while (!error && (entry = listing_next(listing))) error = plan_entry(merge, dir, fds, entry);
    if (!error) error = errno;
    if (!error) error = plan_removals(merge, dir, fds);
    if (error) fail_at(merge, error, dir->path, entry ? entry->d_name : "");
    if (listing) closedir(listing);
    merge_dir_close(fds);
    return !error;
}

static bool take(struct merge *merge, const struct merge_dir *dir, struct merge_dir_fds fds, char *step) {
    const char *name = step + 1;
    struct stat replaced;
    int64_t counted = 0;
    if (*step == STEP_MOVE) {
        if (!swap_move(fds.staged, fds.place, name)) return false;
        *step = STEP_MOVED;
        return true;
    }
    if (*step == STEP_REMOVE) {
        if (!swap_move(fds.place, fds.staged, name)) return false;
        *step = STEP_REMOVED;
        merge->removals->done++;
    } else {
        if (!swap_exchange(fds.staged, fds.place, name, merge->exchange)) return false;
        *step = STEP_SWAPPED;
    }
    // A process may have put a directory there since the plan was made, or an entry into a directory; neither must be lost.
    if (fstatat(fds.staged, name, &replaced, AT_SYMLINK_NOFOLLOW) < 0) return false;
    errno = EISDIR;
    if (!S_ISDIR(replaced.st_mode)) return true;
    if (*step == STEP_SWAPPED) errno = replace_check(merge->removals, fds.staged, dir->path, name, merge->blocker, &counted);
    if (errno == 0) *merge->blocker = '\0';
    return errno == 0;
}

static bool take_steps(struct merge *merge, struct merge_dir *dir) {
    struct merge_dir_fds fds;
    if (dir->steps_used == 0) return true;
    if (!merge_dir_open(merge, dir, &fds)) return fail(merge, errno, dir->path, "");
    dir->is_touched = true;
    bool is_done = merge_dir_let_in(dir, fds.place) || fail(merge, errno, dir->path, "");
    char *end = dir->steps + dir->steps_used;
    for (char *step = dir->steps; is_done && step < end; step += strlen(step) + 1)
        if (!take(merge, dir, fds, step)) is_done = fail_at(merge, errno, dir->path, step + 1);
    merge_dir_close(fds);
    return is_done;
}

// An existing directory gets the mode of its record. Its time stays that of the last change in the workspace.
static bool set_folder(struct merge *merge, struct merge_dir *dir) {
    mode_t mode = dir->folder ? dir->folder->mode : dir->mode;
    bool is_opened_up = dir->is_touched && merge_dir_is_closed(dir);
    if (mode == dir->mode && !is_opened_up) return true;
    int fd = beneath_open(merge->root, dir->path, O_RDONLY | O_DIRECTORY);
    dir->is_touched = true;
    bool is_done = fd >= 0 && fchmod(fd, mode) == 0;
    if (!is_done) fail(merge, errno, dir->path, "");
    if (fd >= 0) close(fd);
    return is_done;
}

static bool undo_steps(struct merge *merge, struct merge_dir *dir, struct merge_dir_fds fds) {
    bool is_done = true;
    char *step;
    while ((step = merge_dir_pop_step(dir))) {
        if (*step == STEP_MOVED) is_done = swap_move(fds.place, fds.staged, step + 1) && is_done;
        if (*step == STEP_REMOVED) is_done = swap_move(fds.staged, fds.place, step + 1) && is_done;
        if (*step == STEP_SWAPPED) is_done = swap_exchange(fds.staged, fds.place, step + 1, merge->exchange) && is_done;
    }
    return is_done;
}

static bool undo(struct merge *merge, struct merge_dir *dir) {
    struct merge_dir_fds fds;
    if (!dir->is_touched) return true;
    if (!merge_dir_open(merge, dir, &fds)) return false;
    bool is_done = undo_steps(merge, dir, fds);
    is_done = futimens(fds.place, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, dir->mtime}) == 0 && is_done;
    if (dir->folder || merge_dir_is_closed(dir)) is_done = fchmod(fds.place, dir->mode) == 0 && is_done;
    merge_dir_close(fds);
    return is_done;
}

static void undo_all(struct merge *merge) {
    // Parents first, so that their entries can be reached again.
    for (struct merge_dir *dir = merge->first; dir; dir = dir->following) {
        int fd = dir->is_touched ? beneath_open(merge->root, dir->path, O_RDONLY | O_DIRECTORY) : -1;
        if (fd >= 0 && !merge_dir_let_in(dir, fd)) merge->is_torn = true;
        if (fd >= 0) close(fd);
    }
    for (struct merge_dir *dir = merge->last; dir; dir = dir->before)
        if (!undo(merge, dir)) merge->is_torn = true;
}

static bool switch_in(struct merge *merge) {
    for (struct merge_dir *dir = merge->first; dir; dir = dir->following)
        if (!take_steps(merge, dir)) return false;
    // Backwards, so that children come first: the mode of a directory may forbid access to them.
    for (struct merge_dir *dir = merge->last; dir; dir = dir->before)
        if (!set_folder(merge, dir)) return false;
    return true;
}

bool merge_run(struct merge *merge) {
    bool is_done = merge_dir_add(merge, "", "") || fail(merge, ENOMEM, "", "");
    for (struct merge_dir *dir = merge->first; is_done && dir; dir = dir->following)
        is_done = plan(merge, dir);
    const struct folder *unsettled = is_done ? folders_settle(merge->folders, merge->tree) : NULL;
    if (unsettled) is_done = fail(merge, errno, unsettled->path, "");
    if (is_done && !switch_in(merge)) {
        is_done = false;
        undo_all(merge);
    }
    if (is_done) removals_end_directories(merge->removals, merge->root);
    merge_dirs_free(merge);
    return is_done;
}
