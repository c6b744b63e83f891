// A window onto a byte stream: holds the bytes from offset `base` up to `head`, growing as needed.
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *bytes; // at a page's start
    size_t size; // 0 or a power of two
    uint64_t base;
    uint64_t head;
};

void ring_append(struct ring *ring, const void *bytes, size_t count);
// The bytes that still fit; when it is full, those that its next size adds.
size_t ring_step(const struct ring *ring);
// Makes room for `want` bytes and returns the place of the next ones. `run` becomes the number that fits there without a gap, from 1 to
// `want`; ring_add then counts them.
uint8_t *ring_reserve(struct ring *ring, size_t want, size_t *run);
void ring_add(struct ring *ring, size_t count);
// Copies out [offset, offset + count), which must be within the ring.
void ring_copy(const struct ring *ring, uint64_t offset, void *out, size_t count);
// The longest contiguous run of bytes from `base` on.
size_t ring_front(const struct ring *ring, const uint8_t **front);
// Forgets everything before `offset`. An empty ring keeps its memory while all rings together have little.
void ring_drop(struct ring *ring, uint64_t offset);
void ring_free(struct ring *ring);

#endif
