// Parts of the kernel's interface that the C library's headers lack.
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

#define CLOSE_RANGE_SET_CLOEXEC 4u
#define MODULE_IS_COMPRESSED 4

// linux/sched.h
struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define CLONE_MEMORY 0x00000100ull
#define CLONE_PARENT_WAITS 0x00004000ull
#define CLONE_IN_CGROUP 0x200000000ull

struct open_how {
    uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_MOUNTS 0x01
#define RESOLVE_NO_MAGIC 0x02
#define RESOLVE_NO_LINKS 0x04
#define RESOLVE_UNDER 0x08

// linux/fs.h
#define RENAME_KEEPS 1u
#define RENAME_EXCHANGES 2u

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

// linux/random.h
#define ADD_ENTROPY _IOW('R', 0x03, int[2])
#define RESEED_CRNG _IO('R', 0x07)

#endif
