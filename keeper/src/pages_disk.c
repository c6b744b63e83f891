#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// A cluster of qcow2: the smallest unit that a write of the VM changes.
enum { BLOCK_BYTES = 65536 };

// The kernel's clock for the times of files may be a few hundredths of a second behind.
enum { RECENT_S = 2 };

static size_t read_block(int fd, char *block, off_t at) {
    size_t have = 0;
    while (have < BLOCK_BYTES) {
        ssize_t got = pread(fd, block + have, BLOCK_BYTES - have, at + (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("the disk");
        if (got == 0) break;
        have += (size_t)got;
    }
    memset(block + have, 0, BLOCK_BYTES - have);
    return have;
}

// Writes the blocks in which the files differ. A block that is missing reads as zeros, so zeros stay holes.
static void copy_changed(const struct disk *disk) {
    static char ours[BLOCK_BYTES], theirs[BLOCK_BYTES];
    off_t at = 0;
    for (size_t have; (have = read_block(disk->from, theirs, at)) > 0; at += (off_t)have) {
        read_block(disk->to, ours, at);
        if (memcmp(ours, theirs, have) == 0) continue;
        if (lseek(disk->to, at, SEEK_SET) < 0) fail("the disk");
        write_all(disk->to, theirs, have);
    }
    if (ftruncate(disk->to, at) < 0) fail("the disk");
}

struct disk disk_copy(const char *from, const char *to) {
    struct disk disk = {.from = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), .to = create_file(to)};
    struct timespec now;
    if (disk.from < 0 || fstat(disk.from, &disk.before) < 0) fail(from);
    clock_gettime(CLOCK_REALTIME, &now);
    disk.is_old = now.tv_sec - disk.before.st_mtim.tv_sec >= RECENT_S;
    disk.is_shared = ioctl(disk.to, FICLONE, disk.from) == 0;
    if (!disk.is_shared) copy_changed(&disk);
    return disk;
}

void disk_sync(const struct disk *disk) {
    if (fdatasync(disk->from) < 0) fail("the disk");
}

static bool is_same_time(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

static bool is_unchanged(const struct disk *disk) {
    struct stat now;
    if (fstat(disk->from, &now) < 0) fail("the disk");
    return disk->is_old && now.st_size == disk->before.st_size && is_same_time(now.st_mtim, disk->before.st_mtim) &&
           is_same_time(now.st_ctim, disk->before.st_ctim);
}

void disk_finish(const struct disk *disk) {
    if (is_unchanged(disk)) return;
    if (!disk->is_shared) return copy_changed(disk);
    if (ioctl(disk->to, FICLONE, disk->from) < 0) fail("the disk");
}
