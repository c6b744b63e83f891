#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fatal.h"
#include "protocol.h"

enum { SECTOR_BYTES = 512, SLOTS_MAX = 64 };

static int fd = -1;
static int64_t in_bytes, out_bytes;
static bool is_broken; // in this session: the disk cannot be written
static _Alignas(MAIL_ALIGN_BYTES) uint8_t piece[MAIL_MAX_BYTES];

static struct {
    const void *owner; // NULL for a free slot
    uint64_t end;
} slots[SLOTS_MAX];

void mailbox_open(const char *path) {
    // Past the page cache, which may still have the slot's earlier content.
    fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (fd < 0 && errno == EINVAL) fd = open(path, O_RDWR | O_CLOEXEC);
    int64_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size < 0) fatal("%s: errno %d", path, errno);
    in_bytes = size / 2 / MAIL_MAX_BYTES * MAIL_MAX_BYTES;
    out_bytes = in_bytes < (int64_t)SLOTS_MAX * MAIL_MAX_BYTES ? in_bytes : (int64_t)SLOTS_MAX * MAIL_MAX_BYTES;
}

int64_t mailbox_bytes(void) { return in_bytes; }
int64_t mailbox_out_bytes(void) { return out_bytes; }

const uint8_t *mailbox_read(uint64_t at, uint32_t length) {
    uint64_t whole = (length + MAIL_ALIGN_BYTES - 1) / MAIL_ALIGN_BYTES * MAIL_ALIGN_BYTES;
    for (uint64_t have = 0; have < length;) {
        ssize_t got = pread(fd, piece + have, whole - have, (off_t)(at + have));
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EIO;
        if (got <= 0) return NULL;
        have += (uint64_t)got;
    }
    return piece;
}

static int take_slot(void) {
    for (int i = 0; i < out_bytes / MAIL_MAX_BYTES; i++)
        if (!slots[i].owner) return i;
    return -1;
}

size_t mailbox_most(uint64_t offset) { return MAIL_MAX_BYTES - (size_t)(offset % SECTOR_BYTES); }

// Whole sectors are written from the ring itself, so up to 511 bytes before and behind the piece are written too.
static bool write_sectors(const struct ring *ring, uint64_t offset, size_t count, off_t at) {
    size_t start = (size_t)(offset & (ring->size - 1)), skew = start % SECTOR_BYTES;
    size_t whole = (skew + count + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    size_t to_edge = ring->size - (start - skew), first = whole < to_edge ? whole : to_edge;
    struct iovec runs[] = {{ring->bytes + start - skew, first}, {ring->bytes, whole - first}};
    ssize_t put;
    do put = pwritev(fd, runs, whole > first ? 2 : 1, at);
    while (put < 0 && errno == EINTR);
    return put == (ssize_t)whole;
}

int64_t mailbox_post(const void *owner, const struct ring *ring, uint64_t offset, size_t count) {
    int slot = is_broken ? -1 : take_slot();
    if (slot < 0) return -1;
    int64_t at = in_bytes + (int64_t)slot * MAIL_MAX_BYTES;
    if (!write_sectors(ring, offset, count, at)) {
        is_broken = true;
        return -1;
    }
    slots[slot].owner = owner;
    slots[slot].end = offset + count;
    return at + (int64_t)(offset % SECTOR_BYTES);
}

void mailbox_release(const void *owner, uint64_t acked) {
    for (int i = 0; i < SLOTS_MAX; i++)
        if (slots[i].owner == owner && slots[i].end <= acked) slots[i].owner = NULL;
}

void mailbox_new_session(void) { is_broken = false; }
