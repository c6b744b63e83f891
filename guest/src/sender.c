#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hashing.h"
#include "json_out.h"
#include "mapped.h"
#include "session.h"
#include "stamp.h"

void sender_begin(struct sender *sender, struct outlet *outlet) {
    sender->outlet = outlet;
    sender->fd = -1;
}

void sender_end(struct sender *sender) {
    if (sender->fd >= 0) close(sender->fd);
    sender->fd = -1;
}

void sender_be_steady(struct sender *sender) {
    sender->is_steady = true;
    clock_gettime(CLOCK_REALTIME_COARSE, &sender->looked);
    mapped_look();
}

void sender_skip_holes(struct sender *sender) { sender->skips_holes = true; }

static bool begin_piece(struct sender *sender) {
    const struct piece *piece = &sender->pieces.all[sender->piece++];
    sender->left = piece->bytes;
    return lseek(sender->fd, piece->offset, SEEK_SET) >= 0;
}

static bool find_pieces(struct sender *sender, const struct stat *entry) {
    sender->piece = sender->pieces.count = 0;
    if (!sender->skips_holes || !S_ISREG(entry->st_mode)) return true;
    if (pieces_find(sender->fd, entry, &sender->pieces)) {
        sender->record.pieces = &sender->pieces;
        sender->left = 0;
        return true;
    }
    sender->pieces.count = 0;
    return lseek(sender->fd, 0, SEEK_SET) == 0;
}

static bool open_file(struct sender *sender, int folder, const char *name, struct stat *entry) {
    sender->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (sender->fd < 0 || fstat(sender->fd, entry) < 0) return false;
    sender->record.size = sender->left = S_ISREG(entry->st_mode) ? entry->st_size : 0;
    sender->begun = *entry;
    return find_pieces(sender, entry);
}

static bool read_target(struct record *record, int folder, const char *name) {
    ssize_t length = readlinkat(folder, name, record->target, sizeof record->target - 1);
    if (length < 0) return false;
    record->target[length] = '\0';
    return true;
}

static void send_header(struct sender *sender, const struct stat *entry) {
    struct record *record = &sender->record;
    record->mode = entry->st_mode & 0777;
    record->mtime_s = entry->st_mtim.tv_sec;
    record->mtime_ns = entry->st_mtim.tv_nsec;
    bool is_file = record->type == RECORD_FILE;
    if (!sender->is_steady || !is_file || mapped_has(entry->st_ino) || !stamp_write(entry, sender->looked, record->stamp))
        record->stamp[0] = '\0';
    ring_append(&sender->outlet->ring, session_scratch, record_render(record, session_scratch));
    sender->entries++;
}

bool sender_add(struct sender *sender, int folder, const char *name) {
    struct stat entry;
    struct record *record = &sender->record;
    record->target[0] = '\0';
    record->pieces = NULL;
    record->size = 0;
    if (fstatat(folder, name, &entry, AT_SYMLINK_NOFOLLOW) < 0) return false;
    if (S_ISREG(entry.st_mode)) {
        if (!open_file(sender, folder, name, &entry)) return false;
        record->type = RECORD_FILE;
    } else if (S_ISDIR(entry.st_mode)) {
        record->type = RECORD_DIRECTORY;
    } else if (S_ISLNK(entry.st_mode)) {
        if (!read_target(record, folder, name)) return false;
        record->type = RECORD_SYMLINK;
    } else {
        sender->skipped++;
        return true;
    }
    send_header(sender, &entry);
    return true;
}

static bool is_unchanged(const struct sender *sender) {
    struct stat now;
    return !sender->is_steady || (fstat(sender->fd, &now) == 0 && hashing_is_same(&sender->begun, &now));
}

bool sender_go_on(struct sender *sender) {
    if (sender->left == 0 && sender->piece < sender->pieces.count && !begin_piece(sender)) return false;
    size_t want = outlet_room(sender->outlet);
    if (want > sizeof session_scratch) want = sizeof session_scratch;
    if ((uint64_t)sender->left < want) want = (size_t)sender->left;
    ssize_t got = want ? read(sender->fd, session_scratch, want) : 0;
    if (got < 0) return errno == EINTR;
    if (got == 0 && want) {
        errno = ESTALE; // the header has promised more
        return false;
    }
    ring_append(&sender->outlet->ring, session_scratch, (size_t)got);
    sender->bytes += got;
    sender->left -= got;
    if (sender->left > 0 || sender->piece < sender->pieces.count) return true;
    bool is_good = is_unchanged(sender);
    sender_end(sender);
    errno = ESTALE;
    return is_good;
}

void sender_render(const struct sender *sender, struct json_out *out) {
    json_out_integer(out, "entries", sender->entries);
    json_out_integer(out, "bytes", sender->bytes);
    json_out_integer(out, "skipped", sender->skipped);
}
