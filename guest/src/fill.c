#include "fill.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "words.h"

enum {
    BLOCK_BYTES = 4096,
    DIRECT_MIN_BYTES = 65536,
};

void fill_open(struct fill *fill, int fd) { *fill = (struct fill){.fd = fd}; }

static bool go_direct(struct fill *fill, bool is_direct) {
    if (fill->is_direct == is_direct) return true;
    if (fcntl(fill->fd, F_SETFL, is_direct ? O_DIRECT : 0) < 0) return false;
    fill->is_direct = is_direct;
    return true;
}

// The bytes of a large, aligned piece that go to the disk without a copy: page cache and copies would take most of the time.
static size_t count_direct(struct fill *fill, const uint8_t *bytes, size_t size) {
    bool is_aligned = (uintptr_t)bytes % BLOCK_BYTES == 0 && fill->bytes % BLOCK_BYTES == 0;
    bool is_direct = is_aligned && size >= DIRECT_MIN_BYTES && go_direct(fill, true);
    return is_direct ? size / BLOCK_BYTES * BLOCK_BYTES : 0;
}

static bool write_data(struct fill *fill, const uint8_t *bytes, size_t size) {
    size_t direct = count_direct(fill, bytes, size);
    while (size > 0) {
        if (direct == 0 && !go_direct(fill, false)) return false;
        ssize_t done = pwrite(fill->fd, bytes, direct ? direct : size, (off_t)fill->bytes);
        bool is_undone = done < 0 && errno == EINVAL && direct; // this file system cannot
        if (is_undone) direct = 0;
        if (done < 0 && errno != EINTR && !is_undone) return false;
        if (done <= 0) continue;
        direct = (size_t)done < direct && done % BLOCK_BYTES == 0 ? direct - (size_t)done : 0;
        fill->bytes += done;
        fill->ends_in_hole = false;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

// How many of the next bytes can go into a hole: up to the end of the current block. 0 if one is not zero, or the block has data.
static size_t count_zeros(const struct fill *fill, const uint8_t *bytes, size_t size) {
    if (fill->bytes % BLOCK_BYTES != 0) return 0;
    size_t count = BLOCK_BYTES - fill->pending < size ? BLOCK_BYTES - fill->pending : size;
    return words_are_zero(bytes, count) ? count : 0;
}

static void leave_out(struct fill *fill, size_t size) {
    fill->pending += size;
    if (fill->pending < BLOCK_BYTES) return;
    fill->bytes += BLOCK_BYTES;
    fill->pending = 0;
    fill->ends_in_hole = true;
}

static bool write_pending(struct fill *fill) {
    static const uint8_t zeros[BLOCK_BYTES];
    size_t size = fill->pending;
    fill->pending = 0;
    return size == 0 || write_data(fill, zeros, size);
}

// How many of the next bytes to write: up to a block that begins with zeros.
static size_t count_data(const struct fill *fill, const uint8_t *bytes, size_t size) {
    size_t count = BLOCK_BYTES - (size_t)((uint64_t)fill->bytes % BLOCK_BYTES);
    while (count < size && !words_are_zero(bytes + count, size - count < BLOCK_BYTES ? size - count : BLOCK_BYTES))
        count += BLOCK_BYTES;
    return count < size ? count : size;
}

bool fill_write(struct fill *fill, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        size_t used = count_zeros(fill, bytes, size);
        if (used > 0) {
            leave_out(fill, used);
        } else {
            if (!write_pending(fill)) return false;
            used = count_data(fill, bytes, size);
            if (!write_data(fill, bytes, used)) return false;
        }
        bytes += used;
        size -= used;
    }
    return true;
}

bool fill_end(struct fill *fill) {
    fill->ends_in_hole |= fill->pending > 0;
    fill->bytes += (int64_t)fill->pending;
    return !fill->ends_in_hole || ftruncate(fill->fd, (off_t)fill->bytes) == 0;
}
