#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "fatal.h"
#include "protocol.h"

static int fd = -1;
static int64_t size_bytes;
static _Alignas(MAIL_ALIGN_BYTES) uint8_t piece[MAIL_MAX_BYTES];

void mailbox_open(const char *path) {
    // Past the page cache, which may still have the slot's earlier content.
    fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0 && errno == EINVAL) fd = open(path, O_RDONLY | O_CLOEXEC);
    size_bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size_bytes < 0) fatal("%s: errno %d", path, errno);
}

int64_t mailbox_bytes(void) { return size_bytes; }

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
