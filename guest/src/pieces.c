#include "pieces.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    HOLE_MIN_BYTES = 65536,
    BLOCK_BYTES = 4096,
    STEPS_MAX = 65536, // the rest of a file with more extents counts as data, so that a turn ends
};

static int64_t end_of(const struct piece *piece) { return piece->offset + piece->bytes; }

static void join(struct pieces *pieces, int at) {
    struct piece *piece = &pieces->all[at];
    piece[-1].bytes = end_of(piece) - piece[-1].offset;
    pieces->count--;
    memmove(piece, piece + 1, (size_t)(pieces->count - at) * sizeof *piece);
}

static void join_nearest(struct pieces *pieces) {
    int nearest = 1;
    int64_t least = INT64_MAX;
    for (int i = 1; i < pieces->count; i++) {
        int64_t hole = pieces->all[i].offset - end_of(&pieces->all[i - 1]);
        if (hole >= least) continue;
        nearest = i;
        least = hole;
    }
    join(pieces, nearest);
}

// Takes whole blocks, also from a file system with smaller ones.
static void add(struct pieces *pieces, int64_t offset, int64_t end, int64_t size) {
    offset -= offset % BLOCK_BYTES;
    end += (BLOCK_BYTES - end % BLOCK_BYTES) % BLOCK_BYTES;
    if (end > size) end = size;
    struct piece *last = pieces->count > 0 ? &pieces->all[pieces->count - 1] : NULL;
    if (last && offset - end_of(last) < HOLE_MIN_BYTES) {
        last->bytes = end - last->offset;
        return;
    }
    if (pieces->count == PIECES_MAX) join_nearest(pieces);
    pieces->all[pieces->count++] = (struct piece){offset, end - offset};
}

// The next data at or after an offset: false with ENXIO when there is none.
static bool find_next(int fd, int64_t *offset, int64_t *end, bool is_rest) {
    int64_t size = *end;
    *offset = lseek(fd, *offset, SEEK_DATA);
    if (*offset < 0 || is_rest) return *offset >= 0;
    *end = lseek(fd, *offset, SEEK_HOLE);
    if (*end > size) *end = size;
    return *end >= 0;
}

bool pieces_find(int fd, const struct stat *entry, struct pieces *pieces) {
    int64_t size = entry->st_size, end, data = 0;
    pieces->count = 0;
    if ((int64_t)entry->st_blocks * 512 + HOLE_MIN_BYTES > size) return false;
    for (int64_t at = 0, step = 0; at < size; at = end, step++) {
        end = size;
        if (!find_next(fd, &at, &end, step == STEPS_MAX)) {
            if (errno != ENXIO) return false;
            break;
        }
        if (at < end) add(pieces, at, end, size);
    }
    for (int i = 0; i < pieces->count; i++) data += pieces->all[i].bytes;
    return size - data >= HOLE_MIN_BYTES;
}
