// pyro-restore: becomes a QEMU that pyro-checkpoint has written into a file (docs/decisions/0072). It has no C library, and is loaded at
// an address that no other program has: QEMU's memory returns to the addresses that it had, and the threads to their instructions.
//
//   FD    the descriptor of the file; QEMU's own descriptors that are inherited have their numbers already
#include <asm/prctl.h>
#include <asm/stat.h>
#include <elf.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "checkpoint_file.h"
#include "system_call.h"

// The file's descriptor from here on: above those of QEMU.
enum { FILE_FD = 1000, SIGKILL_NUMBER = 9, SIGSTOP_NUMBER = 19, MASK_BYTES = 8 };
// Rows up to this size are copied: their mappings would cost more.
enum { COPIED_BYTES = 4 * PAGE_SIZE };
enum { RSEQ_BYTES = 32, STACK_BYTES = 4096 };
#define RSEQ_SIGNATURE 0x53053053
#define TABLES_AT UINT64_C(0x110000000000)
#define VDSO_ASIDE_AT UINT64_C(0x120000000000)
// Here and above this program has nothing that it needs: only the stack from the kernel, which may lie where QEMU has something.
#define FREE_AT UINT64_C(0x130000000000)

#define CALL(number, ...) CALL_6(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_6(number, a, b, c, d, e, f, ...) call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static const struct checkpoint_head *head;
static const struct file_head *files;
static const struct region_head *regions;
static const struct row *rows;
static const char *paths;

static char stacks[THREADS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static char first_stack[8192] __attribute__((aligned(16), used));

static void print(const char *text) {
    size_t size = 0;
    while (text[size]) size++;
    CALL(SYS_write, 2, text, size);
}

// `result` is that of the system call that failed.
static _Noreturn void fail(const char *what, long result) {
    char digits[] = ": error    \n";
    long error = result < 0 && result > -4096 ? -result : 0;
    for (int at = 10; at > 7 && error > 0; error /= 10) digits[at--] = (char)('0' + error % 10);
    print("pyro-restore: ");
    print(what);
    print(digits);
    for (;;) CALL(SYS_exit_group, 1);
}

static void open_tables(int fd) {
    struct {
        char magic[sizeof head->magic];
        uint64_t table_bytes;
    } first;
    long opened = CALL(SYS_dup3, fd, FILE_FD, O_CLOEXEC), flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE | MAP_POPULATE;
    if (opened < 0) fail("the checkpoint cannot be opened", opened);
    CALL(SYS_close, fd);
    long got = CALL(SYS_pread64, FILE_FD, &first, sizeof first, 0);
    if (got != sizeof first || first.table_bytes > CONTENT_AT) fail("the checkpoint is damaged", got);
    for (size_t i = 0; i < sizeof first.magic; i++)
        if (first.magic[i] != CHECKPOINT_MAGIC[i]) fail("the checkpoint is damaged", 0);
    long at = CALL(SYS_mmap, TABLES_AT, first.table_bytes, PROT_READ, flags, FILE_FD, 0);
    if (at != (long)TABLES_AT) fail("the checkpoint cannot be mapped", at);
    head = (const void *)at;
    files = (const void *)(head + 1);
    regions = (const void *)(files + head->file_count);
    rows = (const void *)(regions + head->region_count);
    paths = (const void *)(rows + head->row_count);
}

// The kernel's own code and clock: where they are is in the auxiliary vector, above the arguments and variables.
static uint64_t find_vdso(const uint64_t *stack) {
    const uint64_t *at = stack + 1 + stack[0] + 1;
    while (*at != 0) at++;
    for (at++; at[0] != AT_NULL; at += 2)
        if (at[0] == AT_SYSINFO_EHDR) return at[1];
    fail("the kernel has no vdso", 0);
}

static uint64_t find_old_vdso(void) {
    for (uint64_t i = 0; i < head->region_count; i++)
        if (regions[i].kind == REGION_VDSO) return regions[i].address;
    fail("the checkpoint has no vdso", 0);
}

// Together with the clock, which lies beside it.
static void move_vdso(uint64_t from, uint64_t to) {
    const uint64_t old = find_old_vdso();
    for (uint64_t i = 0; i < head->region_count; i++) {
        const struct region_head *each = &regions[i];
        if (each->kind != REGION_VDSO && each->kind != REGION_VVAR) continue;
        const uint64_t between = each->address - old;
        long at = CALL(SYS_mremap, from + between, each->bytes, each->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to + between);
        if (at != (long)(to + between)) fail("the vdso cannot be moved", at);
    }
}

static long open_path(const char *path, long flags) {
    long fd = CALL(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);
    if (fd < 0) fail(path, fd);
    return fd;
}

// A library that was replaced has other instructions at the same places.
static long open_region(const struct region_head *region) {
    const char *path = paths + region->path;
    long fd = open_path(path, O_RDONLY);
    struct stat stat;
    long done = CALL(SYS_fstat, fd, &stat);
    if (done < 0) fail(path, done);
    if (stat.st_ino != region->inode || (int64_t)stat.st_ctime > head->made_at) fail("a file of QEMU was replaced", 0);
    return fd;
}

static void map_regions(void) {
    for (uint64_t i = 0; i < head->region_count; i++) {
        const struct region_head *each = &regions[i];
        if (each->kind == REGION_VDSO || each->kind == REGION_VVAR) continue;
        bool has_file = each->kind != REGION_ANONYMOUS;
        long fd = has_file ? open_region(each) : -1;
        long kind = (has_file ? 0 : MAP_ANONYMOUS) | (each->grows ? MAP_GROWSDOWN : 0);
        long flags = MAP_PRIVATE | (each->address < FREE_AT ? MAP_FIXED_NOREPLACE : MAP_FIXED) | MAP_NORESERVE | kind;
        long at = CALL(SYS_mmap, each->address, each->bytes, each->protection, flags, fd, has_file ? each->offset : 0);
        if (at != (long)each->address) fail("an address is not free", at);
        if (has_file) CALL(SYS_close, fd);
    }
}

static void copy(uint64_t to, uint64_t bytes, uint64_t offset) {
    for (uint64_t done = 0; done < bytes;) {
        long got = CALL(SYS_pread64, FILE_FD, to + done, bytes - done, offset + done);
        if (got <= 0) fail("the checkpoint cannot be read", got);
        done += (uint64_t)got;
    }
}

// Rows are in the order of their addresses, as regions are.
static void fill_regions(void) {
    const struct region_head *region = regions;
    for (uint64_t i = 0; i < head->row_count; i++) {
        const struct row *row = &rows[i];
        while (row->address - region->address >= region->bytes) region++;
        // The helper that saves a VM's memory tells the template's pages from others by their mappings.
        bool is_small = row->bytes <= COPIED_BYTES || region->grows;
        if (is_small && region->kind == REGION_ANONYMOUS && (region->protection & PROT_WRITE)) {
            copy(row->address, row->bytes, row->offset);
            continue;
        }
        long at = CALL(SYS_mmap, row->address, row->bytes, region->protection, MAP_PRIVATE | MAP_FIXED, FILE_FD, row->offset);
        if (at != (long)row->address) fail("pages cannot be mapped", at);
    }
}

static long make_file(const struct file_head *file) {
    switch (file->kind) {
    case FILE_EVENT: return CALL(SYS_eventfd2, file->value, O_NONBLOCK | O_CLOEXEC);
    case FILE_SIGNALS: return CALL(SYS_signalfd4, -1, &file->value, MASK_BYTES, O_NONBLOCK | O_CLOEXEC);
    case FILE_EPOLL: return CALL(SYS_epoll_create1, O_CLOEXEC);
    default: return open_path(paths + file->path, file->flags & (O_ACCMODE | O_NONBLOCK | O_DIRECT));
    }
}

static void open_files(void) {
    for (uint64_t i = 0; i < head->file_count; i++) {
        const struct file_head *each = &files[i];
        if (each->kind == FILE_INHERITED) {
            // The standard files are shared with other programs.
            if (each->fd > 2) CALL(SYS_fcntl, each->fd, F_SETFL, each->flags & O_NONBLOCK);
            continue;
        }
        long fd = make_file(each);
        if (fd < 0) fail("a descriptor cannot be made", fd);
        if (fd == (long)each->fd) continue;
        long moved = CALL(SYS_dup3, fd, each->fd, O_CLOEXEC);
        if (moved < 0) fail("a descriptor cannot be made", moved);
        CALL(SYS_close, fd);
    }
}

static void set_up_tap(void) {
    for (uint32_t i = 0; i < head->park.tap_call_count; i++) {
        const struct tap_call *each = &head->park.tap_calls[i];
        uint32_t value = (uint32_t)each->argument;
        long done = CALL(SYS_ioctl, TAP_FD, each->request, each->is_pointer ? (long)&value : (long)each->argument);
        if (done < 0) fail("the network interface cannot be set up", done);
    }
}

static void set_actions(void) {
    for (int signal = 1; signal <= SIGNALS; signal++)
        if (signal != SIGKILL_NUMBER && signal != SIGSTOP_NUMBER)
            CALL(SYS_rt_sigaction, signal, &head->park.actions[signal - 1], 0, MASK_BYTES);
}

static void install_filters(void) {
    for (uint32_t i = 0; i < head->park.filter_count; i++) {
        const struct filter *each = &head->park.filters[i];
        struct sock_fprog filter = {(unsigned short)each->count, (struct sock_filter *)each->instructions};
        long done = CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
        if (done != 0) fail("a filter cannot be installed", done);
    }
}

// Ends as the thread of QEMU: the kernel takes its registers from the frame.
static _Noreturn __attribute__((used)) void become(const struct thread *thread) {
    CALL(SYS_set_robust_list, thread->robust_at, thread->robust_bytes);
    // Without it the C library asks the kernel for the number of its processor.
    if (thread->rseq_at != 0) CALL(SYS_rseq, thread->rseq_at, RSEQ_BYTES, 0, RSEQ_SIGNATURE);
    CALL(SYS_prctl, PR_SET_NAME, thread->name);
    __asm__ volatile("mov %0, %%rsp\n\tmov %1, %%eax\n\tsyscall" : : "r"(thread->frame), "i"(SYS_rt_sigreturn) : "memory");
    __builtin_unreachable();
}

// clone(2). The new thread finds its description on its stack.
__attribute__((naked)) static long start_thread(long flags, void *stack, uint64_t id, uint64_t id_to_clear, uint64_t tls) {
    (void)flags, (void)stack, (void)id, (void)id_to_clear, (void)tls;
    __asm__("mov %rcx, %r10\n\tmov $56, %eax\n\tsyscall\n\ttest %rax, %rax\n\tjz 1f\n\tret\n1:\tmov (%rsp), %rdi\n\tcall become");
}

static _Noreturn void start_threads(void) {
    const struct thread *threads = head->park.threads, *main = &threads[0];
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    for (uint32_t i = 0; i < head->park.count; i++) {
        const struct thread *each = &threads[i];
        if (each->id == head->park.process) {
            main = each;
            continue;
        }
        const struct thread **top = (const struct thread **)(stacks[i] + STACK_BYTES - 16);
        *top = each;
        long id = start_thread(flags, top, each->id_at, each->id_at, each->tls);
        if (id < 0) fail("a thread cannot be started", id);
    }
    *(uint32_t *)main->id_at = (uint32_t)CALL(SYS_set_tid_address, main->id_at);
    CALL(SYS_arch_prctl, ARCH_SET_FS, main->tls);
    CALL(SYS_close, FILE_FD);
    become(main);
}

static int read_number(const char *digits) {
    int number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++) number = number * 10 + *digits - '0';
    return number;
}

__attribute__((used)) static _Noreturn void begin(const uint64_t *stack) {
    if (stack[0] < 2) fail("usage: pyro-restore FD", 0);
    open_tables(read_number((const char *)stack[2]));
    // By way of a place that nothing has, since the old and the new one may overlap.
    move_vdso(find_vdso(stack), VDSO_ASIDE_AT);
    move_vdso(VDSO_ASIDE_AT, find_old_vdso());
    map_regions();
    fill_regions();
    open_files();
    set_up_tap();
    set_actions();
    // As QEMU sets it for itself.
    CALL(SYS_prctl, PR_SET_TIMERSLACK, 1);
    install_filters();
    start_threads();
}

// On a stack of its own: that of the kernel may be replaced.
__attribute__((naked, noreturn, used)) void _start(void) {
    __asm__("mov %rsp, %rdi\n\tmov $first_stack + 8192, %rsp\n\tcall begin");
}
