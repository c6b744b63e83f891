#include "digests.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 1024,
    ROOM_MAX = 524288, // places in the table: 48 MiB; at most half of them are used
    CALM_NS = 100000000, // many ticks of a file system's clock
};

struct known {
    dev_t device; // in a free place the inode is 0
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    uint8_t digest[SHA256_BYTES];
};

static struct known *table;
static size_t room, used;

// The place of this file in the table, or the free place where it would go.
static struct known *place_of(dev_t device, ino_t inode) {
    uint64_t hash = ((uint64_t)device * 31 + (uint64_t)inode) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & (room - 1);
    while (table[at].inode != 0 && (table[at].inode != inode || table[at].device != device)) at = (at + 1) & (room - 1);
    return &table[at];
}

static bool is_equal(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool digests_find(const struct stat *file, uint8_t digest[SHA256_BYTES]) {
    if (!table || file->st_ino == 0) return false;
    const struct known *known = place_of(file->st_dev, file->st_ino);
    bool is_known = known->inode != 0 && known->size == file->st_size && is_equal(known->modified, file->st_mtim) &&
                    is_equal(known->changed, file->st_ctim);
    if (is_known) memcpy(digest, known->digest, SHA256_BYTES);
    return is_known;
}

static void copy_all(const struct known *from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (from[i].inode == 0) continue;
        *place_of(from[i].device, from[i].inode) = from[i];
        used++;
    }
}

// Clears the cache when it is full; entries in use are added again.
static bool make_room(void) {
    if (table && used < room / 2) return true;
    size_t old_room = room, new_room = room == 0 ? FIRST_ROOM : room < ROOM_MAX ? 2 * room : room;
    struct known *old = table, *larger = calloc(new_room, sizeof *larger);
    if (!larger) return false;
    table = larger;
    room = new_room;
    used = 0;
    if (new_room > old_room) copy_all(old, old_room);
    free(old);
    return true;
}

bool digests_is_calm(const struct stat *file, struct timespec since) {
    struct timespec changed = file->st_ctim;
    int64_t age_s = (int64_t)since.tv_sec - changed.tv_sec;
    return age_s > 1 || (age_s >= 0 && age_s * INT64_C(1000000000) + since.tv_nsec - changed.tv_nsec > CALM_NS);
}

void digests_keep(const struct stat *file, const uint8_t digest[SHA256_BYTES], struct timespec since) {
    if (file->st_ino == 0 || !digests_is_calm(file, since) || !make_room()) return;
    struct known *known = place_of(file->st_dev, file->st_ino);
    if (known->inode == 0) used++;
    *known = (struct known){file->st_dev, file->st_ino, file->st_size, file->st_mtim, file->st_ctim, {0}};
    memcpy(known->digest, digest, SHA256_BYTES);
}
