#include "trash.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listing.h"
#include "workspace.h"

#define GONE "gone-"

enum { NAME_BYTES = 48, NAMES_PER_STEP = 16 };

static DIR *pass;   // over the staging directory; NULL when there is nothing to remove
static DIR *folder; // the directory being emptied, and its name
static char folder_name[NAME_MAX + 1];
static bool has_changed; // since the pass began: another one is needed
static unsigned long number;

bool trash_has_more(void) { return pass != NULL; }

static void make_name(char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, GONE "%ld-%lu", (long)getpid(), number++);
}

static bool is_gone(const char *name) { return strncmp(name, GONE, strlen(GONE)) == 0; }

static void start(void) {
    int staging = workspace_staging();
    has_changed = true;
    if (!pass && staging >= 0) pass = listing_open(staging);
}

// Subdirectories are moved up and removed on their own, so the depth of a tree does not matter.
static bool remove_inner(const char *name) {
    char fresh[NAME_BYTES];
    int from = dirfd(folder);
    if (unlinkat(from, name, 0) == 0 || unlinkat(from, name, AT_REMOVEDIR) == 0) return true;
    make_name(fresh);
    fchmodat(from, name, 0700, 0);
    return renameat(from, name, dirfd(pass), fresh) == 0;
}

static void open_folder(const char *name) {
    fchmodat(dirfd(pass), name, 0700, 0);
    int fd = openat(dirfd(pass), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    folder = fd < 0 ? NULL : listing_open(fd);
    if (fd >= 0) close(fd);
    strcpy(folder_name, name);
}

static void step_in_folder(void) {
    const struct dirent *entry = listing_next(folder);
    if (entry) {
        has_changed |= remove_inner(entry->d_name);
        return;
    }
    closedir(folder);
    folder = NULL;
    has_changed |= unlinkat(dirfd(pass), folder_name, AT_REMOVEDIR) == 0;
}

// Stops when a pass has removed nothing: the remaining entries cannot be removed.
static void end_pass(void) {
    closedir(pass);
    pass = NULL;
    if (has_changed) start();
    has_changed = false;
    if (!pass) workspace_leave_staging();
}

static void step(void) {
    if (folder) return step_in_folder();
    const struct dirent *entry = listing_next(pass);
    if (!entry) return end_pass();
    if (!is_gone(entry->d_name)) return;
    if (unlinkat(dirfd(pass), entry->d_name, 0) == 0)
        has_changed = true;
    else
        open_folder(entry->d_name);
}

void trash_step(void) {
    for (int i = 0; i < NAMES_PER_STEP && pass; i++) step();
}

void trash_add(const char *name) {
    char fresh[NAME_BYTES];
    int staging = workspace_staging();
    if (staging < 0) return;
    make_name(fresh);
    if (renameat(staging, name, staging, fresh) == 0) start();
}

void trash_sweep(int (*is_kept)(const char *name)) {
    int staging = workspace_has_staging() ? workspace_staging() : -1;
    DIR *listing = staging < 0 ? NULL : listing_open(staging);
    bool has_found = false;
    for (const struct dirent *entry; listing && (entry = listing_next(listing));) {
        char fresh[NAME_BYTES];
        if (is_kept(entry->d_name)) continue;
        make_name(fresh);
        has_found |= is_gone(entry->d_name) || renameat(staging, entry->d_name, staging, fresh) == 0;
    }
    if (listing) closedir(listing);
    if (has_found)
        start();
    else if (staging >= 0)
        workspace_leave_staging();
}
