// Makes one system call of a push fail with ENOSPC: the one at which the countdown in the file $PYRO_FAIL_AT ends. With
// $PYRO_SLOW_CLOCK, stands for a file system whose clock seldom moves.
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static bool is_to_fail(void) {
    const char *path = getenv("PYRO_FAIL_AT");
    int left = 0;
    FILE *file = path ? fopen(path, "r+e") : NULL;
    if (!file) return false;
    if (fscanf(file, "%d", &left) == 1 && left > 0) {
        rewind(file);
        fprintf(file, "%d \n", left - 1);
    }
    fclose(file);
    errno = ENOSPC;
    return left == 1;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __real_utimensat(int folder, const char *name, const struct timespec times[2], int flags);
int __wrap_utimensat(int folder, const char *name, const struct timespec times[2], int flags);

long __wrap_syscall(long number, ...) {
    long values[5];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 5; i++) values[i] = va_arg(arguments, long);
    va_end(arguments);
    return is_to_fail() ? -1 : __real_syscall(number, values[0], values[1], values[2], values[3], values[4]);
}

int __wrap_fchmod(int fd, mode_t mode) { return is_to_fail() ? -1 : __real_fchmod(fd, mode); }

int __wrap_futimens(int fd, const struct timespec times[2]) { return is_to_fail() ? -1 : __real_futimens(fd, times); }

int __wrap_utimensat(int folder, const char *name, const struct timespec times[2], int flags) {
    // Not counted: the workspace's own time, which is set back after every push, even after one that failed.
    bool is_of_push = strcmp(name, ".") != 0;
    return is_of_push && is_to_fail() ? -1 : __real_utimensat(folder, name, times, flags);
}

// A file system takes its times from the coarse clock, which may lag on a busy host: here by a second.
static bool has_slow_clock(void) { return getenv("PYRO_SLOW_CLOCK") != NULL; }

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __real_fstat(int fd, struct stat *found);
int __wrap_fstat(int fd, struct stat *found);
int __real_fstatat(int folder, const char *name, struct stat *found, int flags);
int __wrap_fstatat(int folder, const char *name, struct stat *found, int flags);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int result = __real_clock_gettime(clock, time);
    if (has_slow_clock() && clock == CLOCK_REALTIME_COARSE) time->tv_nsec = 0;
    return result;
}

static int slow_down(int result, struct stat *found) {
    if (has_slow_clock()) found->st_mtim.tv_nsec = found->st_ctim.tv_nsec = 0;
    return result;
}

int __wrap_fstat(int fd, struct stat *found) { return slow_down(__real_fstat(fd, found), found); }

int __wrap_fstatat(int folder, const char *name, struct stat *found, int flags) {
    return slow_down(__real_fstatat(folder, name, found, flags), found);
}
