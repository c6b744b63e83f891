// The file of a checkpoint: a paused QEMU, without the pages of its VM's memory that are the template's. pyro-checkpoint writes it, and
// pyro-restore continues it in a new process. A head, the tables that it counts, zeros up to CONTENT_AT, and the pages of the rows.
#ifndef CHECKPOINT_FILE_H
#define CHECKPOINT_FILE_H

#include <stdint.h>

#define CHECKPOINT_MAGIC "PYROCKP1"
#define CONTENT_AT (UINT64_C(4) << 20)

enum { PAGE_SIZE = 4096, SIGNALS = 64, THREADS_MAX = 80, FILTERS_MAX = 4, FILTER_WORDS_MAX = 1024, TAP_CALLS_MAX = 8 };

// The descriptors from src/backend/qemu/argv.ts that QEMU inherits, and so does the process that continues it.
enum { TAP_FD = 6, LIFELINE_FD = 7, AGENT_FD = 8, QMP_FD = 9 };

// As rt_sigaction takes it.
struct action {
    uint64_t handler, flags, restorer, mask;
};

// A thread that is parked in a signal handler. Its registers are in the frame that the kernel pushed on its stack.
struct thread {
    uint64_t frame, tls, id_at, robust_at, robust_bytes, rseq_at;
    uint32_t id, is_parked;
    char name[16];
};

// A seccomp filter that QEMU has installed.
struct filter {
    uint64_t count, instructions[FILTER_WORDS_MAX];
};

// A setting of the VM's network interface.
struct tap_call {
    uint64_t request, argument, is_pointer;
};

// What pyro-ram.so notes in QEMU, at an address that pyro-checkpoint knows.
#define PARK_AT UINT64_C(0x100000000000)
#define PARK_MAGIC "PYROPRK1"
struct park {
    char magic[8];
    uint32_t count, process, filter_count, tap_call_count;
    struct action actions[SIGNALS];
    struct thread threads[THREADS_MAX];
    struct filter filters[FILTERS_MAX];
    struct tap_call tap_calls[TAP_CALLS_MAX];
};

// Memory of QEMU: anonymous, of a file, of the template's memory file, or the kernel's own.
enum region_kind { REGION_ANONYMOUS, REGION_FILE, REGION_MEMORY, REGION_VVAR, REGION_VDSO };
struct region_head {
    uint64_t address, bytes, offset;
    uint32_t protection, kind, path;
    // Whether it is the main thread's stack, which the kernel extends.
    uint32_t grows;
    // Of a file: it is the same one while it has not changed since `made_at`.
    uint64_t inode;
};

// Pages of the checkpoint's file that belong over a region.
struct row {
    uint64_t address, bytes, offset;
};

enum file_kind { FILE_OF_PATH, FILE_EVENT, FILE_SIGNALS, FILE_EPOLL, FILE_INHERITED };
struct file_head {
    uint32_t fd, kind, flags, path;
    // The count of an event descriptor, or the signals of a signal descriptor.
    uint64_t value;
};

// The tables follow in this order: files, regions, rows, paths.
struct checkpoint_head {
    char magic[8];
    uint64_t table_bytes, file_count, region_count, row_count;
    // Seconds since 1970.
    int64_t made_at;
    struct park park;
};

#endif
