// The system calls that the gate may still make after it has given up its rights.
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/confine.h"
#include "expect.h"

// Whether a process survives this call under the filter.
static bool may(long call, long first, long third) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) _exit(1);
        confine_calls();
        syscall(call, first, 4096, third, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        syscall(SYS_exit_group, 0); // not _exit, for which a sanitizer makes calls of its own
    }
    waitpid(child, &status, 0);
    expect(WIFEXITED(status) || WTERMSIG(status) == SIGSYS, "it ends", "in one of the two ways");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void) {
    expect(may(SYS_mmap, 0, PROT_READ | PROT_WRITE), "may have", "memory");
    expect(!may(SYS_mmap, 0, PROT_READ | PROT_EXEC), "may not have", "memory to execute");
    expect(may(SYS_mprotect, 0, PROT_READ | PROT_WRITE), "may make", "memory writable, as an allocator does");
    expect(!may(SYS_mprotect, 0, PROT_READ | PROT_EXEC), "may not make", "memory executable");
    expect(may(SYS_socket, AF_INET, 0) && may(SYS_socket, AF_INET6, 0), "may make", "sockets of IP");
    expect(!may(SYS_socket, AF_UNIX, 0) && !may(SYS_socket, AF_PACKET, 0), "may not make", "other sockets");
    expect(!may(SYS_openat, 0, 0) && !may(SYS_execve, 0, 0) && !may(SYS_ptrace, 0, 0), "may not", "open, execute, trace");
    return expect_end("confine");
}
