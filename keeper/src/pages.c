// pyro-pages: writes the parts of a VM's snapshot that QEMU does not write, while the VM is paused (docs/decisions/0033).
//
//   save PID MEMORY_BYTES OVERLAY DIRECTORY   answers "begun" when the files exist, and "ready"; on "copy" it copies, and answers "copied BYTES"
//   try PID                                   ends with 0 when it may read that process's memory
//
// Requests arrive on descriptor 3, whose other end the daemon holds; answers leave on descriptor 4.
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUESTIONS_FD = 3, ANSWERS_FD = 4, STATE_MAX_BYTES = 64 << 20 };

const char program[] = "pyro-pages";

static void answer(const char *line) { write_all(ANSWERS_FD, line, strlen(line)); }

static void await_copy(void) {
    char line[5];
    for (size_t have = 0; have < sizeof line;) {
        ssize_t got = read(QUESTIONS_FD, line + have, sizeof line - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) _exit(FAILED); // the daemon has ended
        have += (size_t)got;
    }
    if (memcmp(line, "copy\n", sizeof line) != 0) _exit(USAGE);
}

// The VM controls this file, so a link is not followed, a FIFO is not waited for, and a file above STATE_MAX_BYTES is not copied.
static void copy_state(pid_t pid, int to) {
    char path[64], piece[65536];
    struct stat stat;
    snprintf(path, sizeof path, "/proc/%d/cwd/tmp", (int)pid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) fail("the directory of the device state");
    int from = openat(directory, "state", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0 || fstat(from, &stat) < 0) fail("the device state");
    errno = EINVAL;
    if (!S_ISREG(stat.st_mode) || stat.st_size > STATE_MAX_BYTES) fail("the device state");
    off_t have = 0;
    for (ssize_t got; have < stat.st_size && (got = read(from, piece, sizeof piece)) > 0; have += got)
        write_all(to, piece, (size_t)got);
    errno = EIO;
    if (have < stat.st_size) fail("the device state");
    unlinkat(directory, "state", 0);
}

static int create_in(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return create_file(path);
}

static int save(pid_t pid, uint64_t memory_bytes, const char *overlay, const char *directory) {
    char path[4096], line[64];
    struct regions regions = regions_find(pid, memory_bytes);
    int pages = create_in(directory, "pages"), state = create_in(directory, "state");
    snprintf(path, sizeof path, "%s/overlay", directory);
    struct disk disk = disk_copy(overlay, path);
    answer("begun\n");
    disk_sync(&disk);
    answer("ready\n");
    await_copy();
    uint64_t bytes = pages_save(pid, &regions, memory_bytes, pages);
    disk_finish(&disk);
    copy_state(pid, state);
    snprintf(line, sizeof line, "copied %" PRIu64 "\n", bytes);
    answer(line);
    return 0;
}

static int try_reading(pid_t pid) {
    char path[64], line[512], byte;
    unsigned long long address;
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    if (open(path, O_RDONLY | O_CLOEXEC) < 0) fail(path);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (!maps || !fgets(line, sizeof line, maps) || sscanf(line, "%llx-", &address) != 1) fail(path);
    struct iovec from = {(void *)(uintptr_t)address, 1};
    if (memory_read(pid, &from, 1, &byte, 1) < 0) fail("the memory of a process");
    return 0;
}

int main(int argc, char **argv) {
    pid_t pid = argc > 2 ? atoi(argv[2]) : 0;
    if (argc == 6 && strcmp(argv[1], "save") == 0) return save(pid, strtoull(argv[3], NULL, 10), argv[4], argv[5]);
    if (argc == 3 && strcmp(argv[1], "try") == 0) return try_reading(pid);
    fputs("usage: pyro-pages save PID MEMORY_BYTES OVERLAY DIRECTORY | try PID\n", stderr);
    return USAGE;
}
