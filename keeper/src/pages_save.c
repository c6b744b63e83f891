#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ENTRIES = 32768 };

struct changes {
    struct run *list;
    uint64_t *addresses;
    size_t count, room;
    uint64_t bytes;
};

static void add(struct changes *changes, uint64_t offset, uint64_t address) {
    struct run *last = changes->count ? &changes->list[changes->count - 1] : NULL;
    changes->bytes += PAGE_BYTES;
    if (last && last->offset + last->bytes == offset && changes->addresses[changes->count - 1] + last->bytes == address) {
        last->bytes += PAGE_BYTES;
        return;
    }
    if (changes->count == changes->room) {
        changes->room = changes->room ? 2 * changes->room : 4096;
        changes->list = realloc(changes->list, changes->room * sizeof *changes->list);
        changes->addresses = realloc(changes->addresses, changes->room * sizeof *changes->addresses);
        if (!changes->list || !changes->addresses) fail("memory");
    }
    changes->addresses[changes->count] = address;
    changes->list[changes->count++] = (struct run){offset, PAGE_BYTES};
}

static void scan(int pagemap, const struct region *region, struct changes *changes) {
    static uint64_t entries[ENTRIES];
    for (uint64_t at = 0; at < region->bytes;) {
        uint64_t left = (region->bytes - at) / PAGE_BYTES, first = (region->address + at) / PAGE_BYTES;
        size_t want = (left < ENTRIES ? left : ENTRIES) * sizeof *entries;
        ssize_t got = pread(pagemap, entries, want, (off_t)(first * sizeof *entries));
        if (got == 0) errno = ESRCH;
        if (got <= 0) fail("pagemap");
        for (size_t i = 0; i < (size_t)got / sizeof *entries; i++, at += PAGE_BYTES)
            if (is_changed(entries[i])) add(changes, region->offset + at, region->address + at);
    }
}

// The pages of a snapshot differ from the template, whether or not the VM has changed them again.
static void add_all(const struct region *region, struct changes *changes) {
    for (uint64_t at = 0; at < region->bytes; at += PAGE_BYTES) add(changes, region->offset + at, region->address + at);
}

static void write_head(int to, uint64_t memory_bytes, const struct changes *changes) {
    static const char zeros[PAGE_BYTES];
    struct pages_head head = {PAGES_MAGIC, memory_bytes, changes->count, changes->bytes};
    size_t used = sizeof head + changes->count * sizeof *changes->list;
    write_all(to, &head, sizeof head);
    write_all(to, changes->list, changes->count * sizeof *changes->list);
    write_all(to, zeros, (PAGE_BYTES - used % PAGE_BYTES) % PAGE_BYTES);
}

static void copy_piece(pid_t pid, const struct iovec *from, size_t count, size_t bytes, char *piece, int to) {
    ssize_t got = memory_read(pid, from, count, piece, bytes);
    if (got >= 0 && (size_t)got != bytes) errno = EFAULT;
    if (got < 0 || (size_t)got != bytes) fail("the VM's memory");
    write_all(to, piece, bytes);
}

uint64_t pages_save(pid_t pid, const struct regions *regions, uint64_t memory_bytes, int to) {
    struct changes changes = {0};
    struct iovec from[VECTORS_MAX];
    size_t count = 0, bytes = 0;
    char path[64], *piece = malloc(PIECE_BYTES);
    if (!piece) fail("memory");
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    int pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (pagemap < 0) fail(path);
    for (size_t i = 0; i < regions->count; i++) {
        const struct region *region = &regions->list[i];
        region->is_template ? scan(pagemap, region, &changes) : add_all(region, &changes);
    }
    write_head(to, memory_bytes, &changes);
    for (size_t i = 0; i < changes.count; i++) {
        for (uint64_t done = 0; done < changes.list[i].bytes;) {
            uint64_t left = changes.list[i].bytes - done;
            size_t part = left < PIECE_BYTES - bytes ? left : PIECE_BYTES - bytes;
            from[count++] = (struct iovec){(void *)(uintptr_t)(changes.addresses[i] + done), part};
            bytes += part;
            done += part;
            if (count < VECTORS_MAX && bytes < PIECE_BYTES) continue;
            copy_piece(pid, from, count, bytes, piece, to);
            count = bytes = 0;
        }
    }
    if (count) copy_piece(pid, from, count, bytes, piece, to);
    free(piece);
    return changes.bytes;
}
