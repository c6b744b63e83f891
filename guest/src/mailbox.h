// The disk on which the host writes large pieces of content; a mail frame has the place.
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdint.h>

// A device or file of the host. Without one this does nothing.
void mailbox_open(const char *path);
int64_t mailbox_bytes(void); // 0 without one

// Reads the mailbox; `length` is at most MAIL_MAX_BYTES. The bytes stay valid until the next call. NULL with errno.
const uint8_t *mailbox_read(uint64_t at, uint32_t length);

#endif
