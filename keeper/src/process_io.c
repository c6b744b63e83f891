#include "process_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fail(const char *what) {
    int error = errno;
    fprintf(stderr, "%s: %s: %s\n", program, what, strerror(error));
    if (error == ENOSPC || error == EDQUOT) _exit(DISK_IS_FULL);
    if (error == EPERM || error == EACCES) _exit(NOT_ALLOWED);
    // A process that is being killed loses its memory, then its files in /proc.
    _exit(error == ESRCH || error == ENOENT || error == EFAULT ? IS_GONE : FAILED);
}

int create_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) fail(path);
    return fd;
}

void write_all(int fd, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail("writing");
        at += put;
        size -= (size_t)put;
    }
}

// The filter of a container may refuse the quicker call, although the kernel would allow to read that process.
ssize_t memory_read(pid_t pid, const struct iovec *from, size_t count, char *to, size_t bytes) {
    static int memory = -1;
    char path[64];
    if (memory < 0) {
        struct iovec into = {to, bytes};
        ssize_t got = process_vm_readv(pid, &into, 1, from, count, 0);
        if (got >= 0 || (errno != EPERM && errno != ENOSYS)) return got;
        snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
        memory = open(path, O_RDONLY | O_CLOEXEC);
        if (memory < 0) return -1;
    }
    ssize_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t have = 0; have < from[i].iov_len;) {
            off_t at = (off_t)((uintptr_t)from[i].iov_base + have);
            ssize_t got = pread(memory, to + whole, from[i].iov_len - have, at);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return got < 0 ? got : whole;
            have += (size_t)got;
            whole += got;
        }
    }
    return whole;
}
