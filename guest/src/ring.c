#include "ring.h"

#include <stdlib.h>
#include <string.h>

#include "fatal.h"

// Memory that was freed is mapped and cleared again page by page: under emulation that takes longer than moving the bytes.
enum { RING_FIRST_BYTES = 4096, EMPTY_RINGS_KEEP_BYTES = 4194304 };

static size_t allocated_bytes; // of all rings

static size_t run_at(const struct ring *ring, uint64_t offset, size_t count) {
    size_t to_edge = ring->size - (size_t)(offset & (ring->size - 1));
    return count < to_edge ? count : to_edge;
}

void ring_copy(const struct ring *ring, uint64_t offset, void *out, size_t count) {
    if (count == 0) return;
    size_t run = run_at(ring, offset, count);
    memcpy(out, ring->bytes + (offset & (ring->size - 1)), run);
    memcpy((uint8_t *)out + run, ring->bytes, count - run);
}

static void grow(struct ring *ring, size_t need) {
    struct ring larger = {.size = ring->size ? ring->size : RING_FIRST_BYTES, .base = ring->base, .head = ring->base};
    while (larger.size < need) larger.size *= 2;
    larger.bytes = aligned_alloc(RING_FIRST_BYTES, larger.size);
    if (!larger.bytes) fatal("out of memory");
    for (uint64_t at = ring->base; at < ring->head;) {
        size_t run = run_at(ring, at, (size_t)(ring->head - at));
        ring_append(&larger, ring->bytes + (at & (ring->size - 1)), run);
        at += run;
    }
    allocated_bytes += larger.size - ring->size;
    free(ring->bytes);
    *ring = larger;
}

static void make_room(struct ring *ring, size_t count) {
    size_t need = (size_t)(ring->head - ring->base) + count;
    if (need > ring->size) grow(ring, need);
}

size_t ring_step(const struct ring *ring) {
    size_t left = ring->size - (size_t)(ring->head - ring->base);
    return left ? left : ring->size ? ring->size : RING_FIRST_BYTES;
}

uint8_t *ring_reserve(struct ring *ring, size_t want, size_t *run) {
    make_room(ring, want);
    *run = run_at(ring, ring->head, want);
    return ring->bytes + (ring->head & (ring->size - 1));
}

void ring_add(struct ring *ring, size_t count) { ring->head += count; }

void ring_append(struct ring *ring, const void *bytes, size_t count) {
    if (count == 0) return;
    make_room(ring, count);
    size_t run = run_at(ring, ring->head, count);
    memcpy(ring->bytes + (ring->head & (ring->size - 1)), bytes, run);
    memcpy(ring->bytes, (const uint8_t *)bytes + run, count - run);
    ring->head += count;
}

size_t ring_front(const struct ring *ring, const uint8_t **front) {
    size_t held = (size_t)(ring->head - ring->base);
    if (held == 0) return 0;
    *front = ring->bytes + (ring->base & (ring->size - 1));
    return run_at(ring, ring->base, held);
}

void ring_drop(struct ring *ring, uint64_t offset) {
    ring->base = offset;
    if (ring->base == ring->head && allocated_bytes > EMPTY_RINGS_KEEP_BYTES) ring_free(ring);
}

void ring_free(struct ring *ring) {
    allocated_bytes -= ring->size;
    free(ring->bytes);
    ring->bytes = NULL;
    ring->size = 0;
}
