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
#include "meeting.h"
#include "swap.h"

static bool fail(struct merge *merge, int error, const char *folder, const char *name) {
    merge->error = error;
    int length = snprintf(merge->path, sizeof merge->path, "%s%s%s", folder, *folder && *name ? "/" : "", name);
    if (length >= (int)sizeof merge->path) merge->path[0] = '\0';
    return false;
}

// What a process of the guest made from the old file must look older than the new one, whenever that was written on the host.
static bool renew(const struct merge *merge, int folder, const char *name) {
    struct stat staged;
    struct timespec now;
    if (fstatat(folder, name, &staged, AT_SYMLINK_NOFOLLOW) < 0) return false;
    clock_gettime(CLOCK_REALTIME, &now);
    bool is_later = staged.st_mtim.tv_sec > now.tv_sec || (staged.st_mtim.tv_sec == now.tv_sec && staged.st_mtim.tv_nsec >= now.tv_nsec);
    // A file that is in its place already has got one more name.
    if (is_later || (staged.st_nlink > 1 && kept_has(merge->kept, staged.st_ino))) return true;
    return utimensat(folder, name, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, now}, AT_SYMLINK_NOFOLLOW) == 0;
}

// 0, or the errno of why the staged entry cannot take this place.
static int plan_entry(struct merge *merge, struct meeting *meeting, struct meeting_fds fds, const struct dirent *entry) {
    struct stat staged, old;
    const char *name = entry->d_name;
    bool is_taken = fstatat(fds.place, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_taken && errno != ENOENT) return errno;
    if (!is_taken) return meeting_add_step(meeting, STEP_MOVE, name) ? 0 : ENOMEM;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
        if (fstatat(fds.staged, name, &staged, AT_SYMLINK_NOFOLLOW) < 0) return errno;
        is_directory = S_ISDIR(staged.st_mode);
    }
    if (!is_directory) {
        if (S_ISDIR(old.st_mode)) return EISDIR;
        if (!renew(merge, fds.staged, name)) return errno;
        return meeting_add_step(meeting, STEP_SWAP, name) ? 0 : ENOMEM;
    }
    if (!S_ISDIR(old.st_mode)) return S_ISLNK(old.st_mode) ? ELOOP : ENOTDIR;
    return meeting_add(merge, meeting->path, name) ? 0 : errno;
}

// 0, or the errno of why the removals in this directory cannot be noted.
static int plan_removals(struct merge *merge, struct meeting *meeting, struct meeting_fds fds) {
    struct removals *removals = merge->removals;
    for (size_t i = removals_find(removals, meeting->path); i < removals->count; i++) {
        const struct removal *removal = removals->list[i];
        struct stat old;
        if (!removal_is_in(removal, meeting->path)) return 0;
        if (removal->is_directory || fstatat(fds.place, removal_name(removal), &old, AT_SYMLINK_NOFOLLOW) < 0) continue;
        if (!removal_fits(removal, &old))
            removals->kept++;
        else if (!meeting_add_step(meeting, STEP_REMOVE, removal_name(removal)))
            return ENOMEM;
    }
    return 0;
}

// Notes what is to be done in one directory, and which of those in it meet again. Changes nothing.
static bool plan(struct merge *merge, struct meeting *meeting) {
    struct meeting_fds fds;
    if (!meeting_open(merge, meeting, &fds)) return fail(merge, errno, meeting->path, "");
    struct stat old;
    DIR *listing = NULL;
    int error = 0;
    if (fstat(fds.place, &old) < 0 || !(listing = listing_open(fds.staged))) error = errno;
    meeting->mode = old.st_mode & 07777;
    meeting->mtime = old.st_mtim;
    struct folder *folder = folders_find(merge->folders, meeting->path);
    if (folder) folder->is_met = true;
    meeting->folder = folder;
    const struct dirent *entry = NULL;
    while (!error && (entry = listing_next(listing))) error = plan_entry(merge, meeting, fds, entry);
    if (!error) error = errno;
    if (!error) error = plan_removals(merge, meeting, fds);
    if (error) fail(merge, error, meeting->path, entry ? entry->d_name : "");
    if (listing) closedir(listing);
    meeting_close(fds);
    return !error;
}

static bool take(struct merge *merge, struct meeting_fds fds, char *step) {
    const char *name = step + 1;
    struct stat replaced;
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
        if (!swap_exchange(fds.staged, fds.place, name, merge->aside)) return false;
        *step = STEP_SWAPPED;
    }
    // Whoever has put a directory there since the plan was made must not lose it.
    if (fstatat(fds.staged, name, &replaced, AT_SYMLINK_NOFOLLOW) < 0) return false;
    errno = EISDIR;
    return !S_ISDIR(replaced.st_mode);
}

static bool take_steps(struct merge *merge, struct meeting *meeting) {
    struct meeting_fds fds;
    if (meeting->steps_used == 0) return true;
    if (!meeting_open(merge, meeting, &fds)) return fail(merge, errno, meeting->path, "");
    meeting->is_touched = true;
    bool is_done = meeting_let_in(meeting, fds.place) || fail(merge, errno, meeting->path, "");
    char *end = meeting->steps + meeting->steps_used;
    for (char *step = meeting->steps; is_done && step < end; step += strlen(step) + 1)
        if (!take(merge, fds, step)) is_done = fail(merge, errno, meeting->path, step + 1);
    meeting_close(fds);
    return is_done;
}

// A directory that was there gets the mode of its record. Its time says when it was changed in the workspace.
static bool set_folder(struct merge *merge, struct meeting *meeting) {
    mode_t mode = meeting->folder ? meeting->folder->mode : meeting->mode;
    bool is_opened_up = meeting->is_touched && meeting_is_closed(meeting);
    if (mode == meeting->mode && !is_opened_up) return true;
    int fd = beneath_open(merge->root, meeting->path, O_RDONLY | O_DIRECTORY);
    meeting->is_touched = true;
    bool is_done = fd >= 0 && fchmod(fd, mode) == 0;
    if (!is_done) fail(merge, errno, meeting->path, "");
    if (fd >= 0) close(fd);
    return is_done;
}

static bool undo_steps(struct merge *merge, struct meeting *meeting, struct meeting_fds fds) {
    bool is_done = true;
    char *step;
    while ((step = meeting_pop_step(meeting))) {
        if (*step == STEP_MOVED) is_done = swap_move(fds.place, fds.staged, step + 1) && is_done;
        if (*step == STEP_REMOVED) is_done = swap_move(fds.staged, fds.place, step + 1) && is_done;
        if (*step == STEP_SWAPPED) is_done = swap_exchange(fds.staged, fds.place, step + 1, merge->aside) && is_done;
    }
    return is_done;
}

static bool undo(struct merge *merge, struct meeting *meeting) {
    struct meeting_fds fds;
    if (!meeting->is_touched) return true;
    if (!meeting_open(merge, meeting, &fds)) return false;
    bool is_done = undo_steps(merge, meeting, fds);
    is_done = futimens(fds.place, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, meeting->mtime}) == 0 && is_done;
    if (meeting->folder || meeting_is_closed(meeting)) is_done = fchmod(fds.place, meeting->mode) == 0 && is_done;
    meeting_close(fds);
    return is_done;
}

static void undo_all(struct merge *merge) {
    // Parents first, so that the way in is open again.
    for (struct meeting *meeting = merge->first; meeting; meeting = meeting->following) {
        int fd = meeting->is_touched ? beneath_open(merge->root, meeting->path, O_RDONLY | O_DIRECTORY) : -1;
        if (fd >= 0 && !meeting_let_in(meeting, fd)) merge->is_torn = true;
        if (fd >= 0) close(fd);
    }
    for (struct meeting *meeting = merge->last; meeting; meeting = meeting->before)
        if (!undo(merge, meeting)) merge->is_torn = true;
}

static bool switch_in(struct merge *merge) {
    for (struct meeting *meeting = merge->first; meeting; meeting = meeting->following)
        if (!take_steps(merge, meeting)) return false;
    // From the last: children before what may close the way to them.
    for (struct meeting *meeting = merge->last; meeting; meeting = meeting->before)
        if (!set_folder(merge, meeting)) return false;
    return true;
}

bool merge_run(struct merge *merge) {
    bool is_done = meeting_add(merge, "", "") || fail(merge, ENOMEM, "", "");
    for (struct meeting *meeting = merge->first; is_done && meeting; meeting = meeting->following)
        is_done = plan(merge, meeting);
    const struct folder *unsettled = is_done ? folders_settle(merge->folders, merge->tree) : NULL;
    if (unsettled) is_done = fail(merge, errno, unsettled->path, "");
    if (is_done && !switch_in(merge)) {
        is_done = false;
        undo_all(merge);
    }
    if (is_done) removals_end_directories(merge->removals, merge->root);
    meetings_free(merge);
    return is_done;
}
