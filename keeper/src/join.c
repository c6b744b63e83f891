// pyro-join: puts itself into a control group, then becomes another program, which is in the group from its first instruction.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 125, NOT_RUN = 126 };

static int fail(const char *what, int status) {
    fprintf(stderr, "pyro-join: %s: %s\n", what, strerror(errno));
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: pyro-join CGROUP_PROCS PROGRAM [ARGUMENT]...\n", stderr);
        return FAILED;
    }
    // The kernel takes 0 for the process that writes it.
    int processes = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (processes < 0 || write(processes, "0", 1) != 1) return fail(argv[1], FAILED);
    execv(argv[2], argv + 2);
    return fail(argv[2], NOT_RUN);
}
