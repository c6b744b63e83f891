#include "stat.h"

#include <errno.h>
#include <limits.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "reply.h"

const char *stat_type(mode_t mode) {
    return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "symlink" : "other";
}

// A link is on its parent's file system.
static int read_room(const char *path, mode_t mode, struct statvfs *room) {
    char parent[PATH_MAX];
    if (!S_ISLNK(mode)) return statvfs(path, room);
    strncpy(parent, path, sizeof parent - 1);
    parent[sizeof parent - 1] = '\0';
    return statvfs(dirname(parent), room);
}

void stat_answer(uint32_t stream, const char *path) {
    struct stat entry;
    struct statvfs room;
    char target[PATH_MAX];
    ssize_t target_length = 0;
    bool is_good = lstat(path, &entry) == 0 && read_room(path, entry.st_mode, &room) == 0;
    if (is_good && S_ISLNK(entry.st_mode)) is_good = (target_length = readlink(path, target, sizeof target)) >= 0;
    if (!is_good) return reply_error(stream, "IO", errno, path, "stat failed");
    struct json_out *out = reply_begin();
    json_out_text(out, "type", stat_type(entry.st_mode));
    json_out_integer(out, "mode", entry.st_mode & 07777);
    json_out_integer(out, "size", entry.st_size);
    json_out_integer(out, "mtime_s", entry.st_mtim.tv_sec);
    json_out_integer(out, "mtime_ns", entry.st_mtim.tv_nsec);
    if (S_ISLNK(entry.st_mode)) json_out_bytes(out, "target", target, (size_t)target_length, false);
    json_out_integer(out, "free_bytes", (int64_t)(room.f_bavail * room.f_frsize));
    json_out_integer(out, "free_inodes", (int64_t)room.f_favail);
    reply_send(stream);
}
