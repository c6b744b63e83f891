#include "trash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "listing.h"
#include "workspace.h"

#define GONE "gone-"

enum { NAME_BYTES = 48, NICENESS = 10 };

static pid_t remover;
static bool has_more; // came while the remover was at work
static unsigned long number;

static void make_name(char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, GONE "%ld-%lu", (long)getpid(), number++);
}

static bool is_gone(const char *name) { return strncmp(name, GONE, strlen(GONE)) == 0; }

// Directories within are moved up to be removed on their own: no tree is too deep for that.
static bool remove_entry(int staging, int folder, const char *name) {
    char fresh[NAME_BYTES];
    if (unlinkat(folder, name, 0) == 0 || unlinkat(folder, name, AT_REMOVEDIR) == 0) return true;
    make_name(fresh);
    fchmodat(folder, name, 0700, 0);
    return renameat(folder, name, staging, fresh) == 0;
}

static bool remove_directory(int staging, const char *name) {
    bool has_removed = false;
    fchmodat(staging, name, 0700, 0);
    int fd = openat(staging, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : listing_open(fd);
    for (const struct dirent *entry; listing && (entry = listing_next(listing));)
        has_removed |= remove_entry(staging, fd, entry->d_name);
    if (listing) closedir(listing);
    if (fd >= 0) close(fd);
    return unlinkat(staging, name, AT_REMOVEDIR) == 0 || has_removed;
}

// One pass; false when nothing was there that could be removed.
static bool remove_some(int staging) {
    bool has_removed = false;
    DIR *listing = listing_open(staging);
    for (const struct dirent *entry; listing && (entry = listing_next(listing));)
        if (is_gone(entry->d_name))
            has_removed |= unlinkat(staging, entry->d_name, 0) == 0 || remove_directory(staging, entry->d_name);
    if (listing) closedir(listing);
    return has_removed;
}

static _Noreturn void remove_all(int staging) {
    prctl(PR_SET_NAME, "pyro-trash");
    if (nice(NICENESS) < 0) errno = 0;
    while (remove_some(staging)) continue;
    _exit(0);
}

static void start(void) {
    int staging = workspace_staging();
    has_more = remover > 0;
    if (has_more || staging < 0) return;
    remover = fork();
    if (remover == 0) {
        // The peer must see that the agent is gone, whatever this child still does.
        dup2(staging, 3);
        syscall(SYS_close_range, 4, ~0u, 0);
        remove_all(3);
    }
    if (remover < 0) remover = 0;
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

void trash_reaped(pid_t pid) {
    if (pid != remover) return;
    remover = 0;
    if (has_more)
        start();
    else
        workspace_leave_staging();
}

void trash_wait(void) {
    while (remover > 0) {
        pid_t pid = remover;
        if (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
        trash_reaped(pid);
    }
}
