#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool write_file(const char *path, const char *content) {
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.pyro-wake", path);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    size_t length = strlen(content);
    bool is_written = write(fd, content, length) == (ssize_t)length && fchmod(fd, 0644) == 0;
    is_written = close(fd) == 0 && is_written;
    if (is_written && rename(temporary, path) == 0) return true;
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}
