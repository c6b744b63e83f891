// The disk by which host and agent exchange large pieces: the host writes the first half, the agent the second.
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "ring.h"

void mailbox_open(const char *path);
// The sizes of the two halves; 0 without a mailbox.
int64_t mailbox_bytes(void);
int64_t mailbox_out_bytes(void);

// A piece that the host has written, valid until the next call. NULL with errno when it cannot be read.
const uint8_t *mailbox_read(uint64_t at, uint32_t length);

// Writes bytes of a ring into a free slot, which belongs to the owner until it is released; returns their place on the disk, or -1 when no
// slot is free or the disk cannot be written. `count` is at most mailbox_most.
int64_t mailbox_post(const void *owner, const struct ring *ring, uint64_t offset, size_t count);
size_t mailbox_most(uint64_t offset);
// Frees the owner's slots whose pieces end at `acked` or before.
void mailbox_release(const void *owner, uint64_t acked);
// In a new session the disk may be writable again.
void mailbox_new_session(void);

#endif
