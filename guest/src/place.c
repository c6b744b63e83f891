#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"

bool place_is_same_folder(struct stage *stage) {
    const char *path = stage->parser.record.path, *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    stage->name = slash ? slash + 1 : path;
    if (strlen(stage->folder) == length && memcmp(stage->folder, path, length) == 0) return true;
    memcpy(stage->folder, path, length);
    stage->folder[length] = '\0';
    return false;
}

bool place_open_folder(struct stage *stage) {
    if (stage->old_folder_fd >= 0) close(stage->old_folder_fd);
    stage->old_folder_fd = -1;
    if (stage->old_root_fd < 0) return true;
    stage->old_folder_fd = beneath_open(stage->old_root_fd, stage->folder, O_RDONLY | O_DIRECTORY);
    return stage->old_folder_fd >= 0 || errno == ENOENT;
}

bool place_find(const struct stage *stage, struct stat *old) {
    return stage->old_folder_fd >= 0 && fstatat(stage->old_folder_fd, stage->name, old, AT_SYMLINK_NOFOLLOW) == 0;
}

bool place_is_link(const struct stage *stage, struct stat *old) {
    char text[PATH_MAX];
    const char *target = stage->parser.record.target;
    if (!place_find(stage, old) || !S_ISLNK(old->st_mode)) return false;
    ssize_t length = readlinkat(stage->old_folder_fd, stage->name, text, sizeof text);
    return length >= 0 && (size_t)length == strlen(target) && memcmp(text, target, (size_t)length) == 0;
}

int place_open_target(const struct stage *stage, int root, struct stat *found) {
    const char *target = stage->parser.record.target, *slash = strrchr(target, '/');
    char folder[PATH_MAX];
    size_t length = slash ? (size_t)(slash - target) : 0;
    memcpy(folder, target, length);
    folder[length] = '\0';
    errno = ENOENT;
    int fd = root < 0 ? -1 : beneath_open(root, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return -1;
    int error = fstatat(fd, slash ? slash + 1 : target, found, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
    if (!error && !S_ISREG(found->st_mode)) error = S_ISLNK(found->st_mode) ? ELOOP : EINVAL;
    if (!error) return fd;
    close(fd);
    errno = error;
    return -1;
}

static void count(struct stage *stage, const struct stat *old) {
    if (S_ISDIR(old->st_mode) && (old->st_mode & 07777) == stage->parser.record.mode) stage->unchanged++;
}

void place_count_root(struct stage *stage) {
    struct stat old;
    if (stage->old_root_fd >= 0 && fstat(stage->old_root_fd, &old) == 0) count(stage, &old);
}

void place_count_directory(struct stage *stage) {
    struct stat old;
    if (place_find(stage, &old)) count(stage, &old);
}
