// The disk on which the host lays content that is too much for frames; a mail frame says where.
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdint.h>

// A device or file of the host's; nothing else happens when there is none.
void mailbox_open(const char *path);
int64_t mailbox_bytes(void); // 0 without one

// What lies there now; `length` is at most MAIL_MAX_BYTES. The bytes stay until the next call. NULL with errno.
const uint8_t *mailbox_read(uint64_t at, uint32_t length);

#endif
