#include "confine.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fatal.h"

enum { INSTRUCTIONS_MAX = 1024, MODE_FILTER = 2 };

// linux/filter.h
struct instruction {
    uint16_t code;
    uint8_t jump_if_true, jump_if_false;
    uint32_t operand;
};
struct filter {
    unsigned short length;
    const struct instruction *program;
};

void confine_load(int fd) {
    static struct instruction program[INSTRUCTIONS_MAX];
    size_t length = 0;
    for (;;) {
        ssize_t got = read(fd, (char *)program + length, sizeof program - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fatal("reading the filter: errno %d", errno);
        if (got == 0) break;
        length += (size_t)got;
        if (length == sizeof program) fatal("the filter is too long");
    }
    close(fd);
    if (length == 0 || length % sizeof *program != 0) fatal("the filter is cut off");
    const struct filter filter = {(unsigned short)(length / sizeof *program), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, MODE_FILTER, &filter) < 0)
        fatal("loading the filter: errno %d", errno);
}

void confine_processes(unsigned long most) {
    const struct rlimit limit = {most, most};
    if (setrlimit(RLIMIT_NPROC, &limit) < 0) fatal("limiting processes: errno %d", errno);
}
