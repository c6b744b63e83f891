#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fatal.h"

enum { MEMORY_BYTES = 256 << 20 };

static void write_map(const char *path, uint32_t id) {
    char line[32];
    int fd = open(path, O_WRONLY | O_CLOEXEC), length = snprintf(line, sizeof line, "0 %u 1\n", id);
    if (fd < 0 || write(fd, line, (size_t)length) != length) fatal_errno(path);
    close(fd);
}

static void deny_groups(void) {
    int fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "deny", 4) != 4) fatal_errno("/proc/self/setgroups");
    close(fd);
}

void confine_begin(void) {
    uint32_t uid = getuid(), gid = getgid();
    int user = uid == 0 ? 0 : CLONE_NEWUSER;
    if (unshare(user | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0) fatal_errno("namespaces");
    if (uid != 0) {
        deny_groups();
        write_map("/proc/self/uid_map", uid);
        write_map("/proc/self/gid_map", gid);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fatal_errno("private mounts");
}

static void leave_files(void) {
    if (mount("none", "/tmp", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") < 0 ||
        chdir("/tmp") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        fatal_errno("an empty root");
}

static void limit(int resource, rlim_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) fatal_errno("limits");
    if (limit.rlim_max < value) value = limit.rlim_max;
    limit = (struct rlimit){value, value};
    if (setrlimit(resource, &limit) < 0) fatal_errno("limits");
}

static void drop_rights(uint32_t uid, uint32_t gid) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (int capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) fatal_errno("the bounding set");
    if (uid != 0 && (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
        fatal_errno("becoming another user");
    if (syscall(SYS_capset, &header, none) < 0) fatal_errno("capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fatal_errno("no new privileges");
}

// System calls that a relay needs: memory without execution, and sockets of IP and of the kernel's routes only. Without capabilities it can read routes and not change them.
static const int calls[] = {
    SYS_read,       SYS_write,      SYS_writev,   SYS_recvfrom,     SYS_recvmsg,       SYS_sendto,       SYS_sendmsg,
    SYS_connect,
    SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_accept4,     SYS_shutdown,     SYS_close,
    SYS_epoll_ctl,  SYS_epoll_pwait, SYS_clock_gettime, SYS_brk,    SYS_munmap,       SYS_mremap,
    SYS_madvise,    SYS_getpid,     SYS_exit,     SYS_exit_group,   SYS_rt_sigreturn,  SYS_restart_syscall,
    SYS_getrandom,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
};

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "the gate's system calls are not known for this machine"
#endif

void confine_calls(void) {
    enum { COUNT = sizeof calls / sizeof *calls };
    struct sock_filter filter[COUNT * 2 + 20];
    unsigned short at = 0;
    const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_filter end = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    filter[at++] = end;
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++) {
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        filter[at++] = allow;
    }
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    filter[at++] = end;
    filter[at++] = allow;
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0);
    filter[at++] = end;
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1);
    filter[at++] = allow;
    filter[at++] = end;
    const struct sock_fprog program = {.len = at, .filter = filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) fatal_errno("seccomp");
}

void confine_end(uint32_t uid, uint32_t gid) {
    leave_files();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_AS, MEMORY_BYTES);
    drop_rights(uid, gid);
    confine_calls();
}
