#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Under emulation, creating and renaming a file takes longer than all other work of a clone's wake.
static bool overwrite(const char *path, const char *content, size_t length) {
    struct stat file;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    bool is_alike = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (file.st_mode & 07777) == 0644 &&
                    file.st_nlink == 1 && file.st_uid == 0 && file.st_size == (off_t)length;
    bool is_written = is_alike && pwrite(fd, content, length, 0) == (ssize_t)length;
    close(fd);
    return is_written;
}

bool write_file(const char *path, const char *content) {
    char temporary[64];
    size_t length = strlen(content);
    if (overwrite(path, content, length)) return true;
    snprintf(temporary, sizeof temporary, "%s.pyro-wake", path);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    bool is_written = write(fd, content, length) == (ssize_t)length && fchmod(fd, 0644) == 0;
    is_written = close(fd) == 0 && is_written;
    if (is_written && rename(temporary, path) == 0) return true;
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}
