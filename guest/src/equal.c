#include "equal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "words.h"

enum {
    READ_BYTES = 262144,
    BLOCK_BYTES = 4096,
    HELD_MAX_BYTES = 262144,
    COPIED_MAX_BYTES = 256 << 20, // the agent does nothing else while it copies them
    CALM_NS = 100000000,          // many ticks of a file system's clock
};

static _Alignas(BLOCK_BYTES) uint8_t read_buffer[READ_BYTES];

void equal_init(struct equal *equal) { equal->fd = -1; }

void equal_close(struct equal *equal) {
    if (equal->fd >= 0) close(equal->fd);
    equal->fd = -1;
    equal->is_held = equal->is_in_memory = false;
}

void equal_free(struct equal *equal) {
    equal_close(equal);
    free(equal->held);
}

static bool may_be_equal(const struct stat *old, const struct record *record) {
    return S_ISREG(old->st_mode) && old->st_size == record->size && (old->st_mode & 07777) == record->mode;
}

// Whether any change of the file from now on will show in its ctime: it has been left alone for a while, and no page of it
// that a process has mapped is dirty.
static bool is_calm(const struct equal *equal) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    const struct timespec *changed = &equal->old.st_ctim;
    int64_t age_ns = (now.tv_sec - changed->tv_sec) * INT64_C(1000000000) + now.tv_nsec - changed->tv_nsec;
    return age_ns > CALM_NS && fdatasync(equal->fd) == 0;
}

void equal_open(struct equal *equal, int folder, const char *name, const struct record *record) {
    equal_close(equal);
    equal->have = 0;
    if (folder < 0 || fstatat(folder, name, &equal->old, AT_SYMLINK_NOFOLLOW) < 0) return;
    if (!may_be_equal(&equal->old, record)) return;
    bool is_small = record->size <= HELD_MAX_BYTES;
    // A large one would drive everything else out of the page cache.
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    equal->fd = openat(folder, name, flags | (is_small ? 0 : O_DIRECT));
    if (equal->fd < 0 && errno == EINVAL) equal->fd = openat(folder, name, flags);
    if (equal->fd < 0) return;
    // Another process may have put something else there.
    if (fstat(equal->fd, &equal->old) < 0 || !may_be_equal(&equal->old, record)) return equal_close(equal);
    if (is_small && !equal->held) equal->held = malloc(HELD_MAX_BYTES);
    equal->is_in_memory = is_small && equal->held;
    equal->is_held = equal->is_in_memory || (!is_small && record->size <= COPIED_MAX_BYTES && is_calm(equal));
}

// Reads at least `size` bytes at `offset`. Past the page cache only whole blocks can be read.
static bool read_old(struct equal *equal, size_t size, int64_t offset) {
    size_t whole = (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    if (offset % BLOCK_BYTES != 0) fcntl(equal->fd, F_SETFL, 0);
    for (size_t have = 0; have < size;) {
        ssize_t got = pread(equal->fd, read_buffer + have, whole - have, offset + (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EINVAL && fcntl(equal->fd, F_GETFL) & O_DIRECT) {
            fcntl(equal->fd, F_SETFL, 0);
            continue;
        }
        if (got == 0) errno = ESTALE;
        if (got <= 0) return false;
        have += (size_t)got;
    }
    return true;
}

// Holes are not read: under emulation, the kernel fills a buffer with zeros slower than a disk fills it with data.
static bool is_hole(const struct equal *equal, size_t size, int64_t offset) {
    off_t data = lseek(equal->fd, (off_t)offset, SEEK_DATA);
    return data < 0 ? errno == ENXIO : data >= (off_t)(offset + (int64_t)size);
}

static bool is_same(struct equal *equal, const uint8_t *bytes, size_t size, int64_t offset) {
    while (size > 0) {
        size_t step = size < READ_BYTES ? size : READ_BYTES;
        bool is_equal = is_hole(equal, step, offset) ? words_are_zero(bytes, step)
                                                     : read_old(equal, step, offset) && words_are_equal(read_buffer, bytes, step);
        if (!is_equal) return false;
        bytes += step;
        offset += (int64_t)step;
        size -= step;
    }
    return true;
}

void equal_add(struct equal *equal, const uint8_t *bytes, size_t size) {
    if (equal->is_in_memory) {
        memcpy(equal->held + equal->have, bytes, size);
    } else if (equal->fd >= 0 && !is_same(equal, bytes, size, equal->have)) {
        if (!equal->is_held) return equal_close(equal);
        equal->is_held = false;
        return;
    }
    equal->have += (int64_t)size;
}

bool equal_copy(struct equal *equal, struct fill *fill) {
    bool is_done = true;
    for (int64_t at = 0; is_done && at < equal->have;) {
        size_t step = equal->have - at < READ_BYTES ? (size_t)(equal->have - at) : READ_BYTES;
        is_done = read_old(equal, step, at) && fill_write(fill, read_buffer, step);
        at += (int64_t)step;
    }
    struct stat now;
    is_done = is_done && fstat(equal->fd, &now) == 0;
    bool is_as_it_was = is_done && now.st_ctim.tv_sec == equal->old.st_ctim.tv_sec && now.st_ctim.tv_nsec == equal->old.st_ctim.tv_nsec;
    if (is_done && !is_as_it_was) errno = ESTALE;
    int error = errno;
    equal_close(equal);
    errno = error;
    return is_as_it_was;
}

bool equal_is(struct equal *equal) {
    if (equal->fd < 0) return false;
    return !equal->is_in_memory || is_same(equal, equal->held, (size_t)equal->have, 0);
}
