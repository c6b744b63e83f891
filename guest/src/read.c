#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fatal.h"
#include "fields.h"
#include "reply.h"
#include "session.h"
#include "transfer.h"

enum { ROOM_BYTES = 65536 };

struct reading {
    struct transfer transfer;
    int fd;
    struct stat file;
    int64_t left, bytes;
};

static void end(struct transfer *transfer) {
    struct reading *reading = (struct reading *)transfer;
    if (reading->fd >= 0) close(reading->fd);
    transfer_remove(transfer);
    free(reading);
}

static bool produce(struct transfer *transfer) {
    struct reading *reading = (struct reading *)transfer;
    size_t want = reading->left < ROOM_BYTES ? (size_t)reading->left : ROOM_BYTES;
    ssize_t got = want ? read(reading->fd, session_scratch, want) : 0;
    if (got < 0 && errno != EINTR) {
        reply_error(transfer->stream, "IO", errno, NULL, "the file was not read");
        end(transfer);
        return false;
    }
    if (got > 0) {
        ring_append(&transfer->outlet.ring, session_scratch, (size_t)got);
        reading->bytes += got;
        reading->left -= got;
    }
    if (got == 0 || reading->left == 0) outlet_end(&transfer->outlet, transfer->outlet.ring.head);
    return true;
}

static void answer(struct transfer *transfer) {
    const struct reading *reading = (struct reading *)transfer;
    struct json_out *out = reply_begin();
    json_out_integer(out, "bytes", reading->bytes);
    json_out_integer(out, "size", reading->file.st_size);
    json_out_integer(out, "mode", reading->file.st_mode & 07777);
    json_out_integer(out, "mtime_s", reading->file.st_mtim.tv_sec);
    json_out_integer(out, "mtime_ns", reading->file.st_mtim.tv_nsec);
    reply_send(transfer->stream);
}

static const struct transfer_kind kind = {.produce = produce, .answer = answer, .room_bytes = ROOM_BYTES, .end = end};

// Opens regular files only: an open of a device or FIFO may block or have effects.
static bool open_file(struct reading *reading, const char *path) {
    if (stat(path, &reading->file) < 0) return false;
    if (S_ISREG(reading->file.st_mode)) {
        reading->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (reading->fd < 0 || fstat(reading->fd, &reading->file) < 0) return false;
    }
    errno = S_ISDIR(reading->file.st_mode) ? EISDIR : EOPNOTSUPP;
    return S_ISREG(reading->file.st_mode);
}

// The size at the open limits the range, so a file that grows for ever has an end.
static bool find_range(struct reading *reading, int64_t offset, int64_t length) {
    int64_t size = reading->file.st_size, most = size > offset ? size - offset : size > 0 ? 0 : UNSIZED_MAX_BYTES;
    reading->left = length < most ? length : most;
    return offset == 0 || lseek(reading->fd, offset, SEEK_SET) >= 0;
}

void read_start(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    int64_t offset = 0, length = INT64_MAX;
    if (!fields_path(stream, request, "path", path) || !fields_integer(stream, request, "offset", INT64_MAX, &offset) ||
        !fields_integer(stream, request, "length", INT64_MAX, &length) || !transfers_have_room(stream))
        return;
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) fatal("out of memory");
    reading->fd = -1;
    transfer_add(&reading->transfer, stream, &kind);
    if (open_file(reading, path) && find_range(reading, offset, length)) return;
    reply_error(stream, "IO", errno, path, "the file cannot be read");
    end(&reading->transfer);
}
