// A VM that continues from a snapshot has the snapshot's pages over its template's, both as private mappings. They are mapped when QEMU
// begins to read the device state: the daemon asks for that when the snapshot is whole.
#include "ram.h"

#include "pages_file.h"

// The descriptors from src/backend/qemu/argv.ts. Only a VM that continues from a snapshot has the last two.
enum { STATE_FD = 3, PAGES_FD = 10, MAPPED_FD = 11 };

// The kernel allows 65,530 mappings for a process (vm.max_map_count). A row makes two more at the most.
enum { ROWS_MAX = 16384 };

static bool has_snapshot;
static char *memory;
static size_t memory_bytes;
static int protection;

// Before QEMU opens a file, a descriptor with this number was inherited.
__attribute__((constructor)) static void begin(void) { has_snapshot = call(SYS_lseek, PAGES_FD, 0, SEEK_CUR, 0, 0, 0) >= 0; }

static _Noreturn void fail(const char *why) {
    static const char whose[] = "the memory of the snapshot: ";
    size_t length = 0;
    while (why[length]) length++;
    struct iovec parts[] = {{(char *)whose, sizeof whose - 1}, {(char *)why, length}, {"\n", 1}};
    call(SYS_writev, 2, (long)parts, 3, 0, 0, 0);
    for (;;) call(SYS_exit_group, 1, 0, 0, 0, 0, 0);
}

static long map(void *address, size_t bytes, int prot, int flags, int fd, uint64_t offset) {
    return call(SYS_mmap, (long)address, (long)bytes, prot, flags, fd, (long)offset);
}

// The head and the table of rows. Checks all that is read before the pages: the file may have been damaged.
static const struct pages_head *open_pages(uint64_t *pages_at) {
    long size = call(SYS_lseek, PAGES_FD, 0, SEEK_END, 0, 0, 0), at;
    if (size < (long)sizeof(struct pages_head)) fail("it is damaged");
    if ((at = map(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, PAGES_FD, 0)) < 0) fail("it cannot be mapped");
    const struct pages_head *head = (const struct pages_head *)at;
    for (size_t i = 0; i < sizeof head->magic; i++)
        if (head->magic[i] != PAGES_MAGIC[i]) fail("it is damaged");
    uint64_t whole = (uint64_t)size, sum = 0;
    if (head->runs > whole / sizeof(struct run) || head->bytes > whole) fail("it is damaged");
    *pages_at = (sizeof *head + head->runs * sizeof(struct run) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (*pages_at + head->bytes != whole) fail("it is damaged");
    if (memory == NULL || head->memory_bytes != memory_bytes) fail("the VM has another size");
    const struct run *runs = (const struct run *)(head + 1);
    for (uint64_t i = 0; i < head->runs; sum += runs[i++].bytes) {
        if (runs[i].bytes > head->bytes - sum || (runs[i].bytes | runs[i].offset) % PAGE_BYTES) fail("it is damaged");
        if (runs[i].offset > memory_bytes || runs[i].bytes > memory_bytes - runs[i].offset) fail("it is damaged");
    }
    if (sum != head->bytes) fail("it is damaged");
    return head;
}

// The size from which a row of pages is mapped: the smaller ones are copied, if there are more rows than mappings.
static uint64_t find_least(const struct run *runs, uint64_t count) {
    for (uint64_t least = PAGE_BYTES;; least *= 2) {
        uint64_t mapped = 0;
        for (uint64_t i = 0; i < count; i++) mapped += runs[i].bytes >= least;
        if (mapped <= ROWS_MAX) return least;
    }
}

static void copy(char *to, uint64_t bytes, uint64_t offset) {
    while (bytes > 0) {
        long got = call(SYS_pread64, PAGES_FD, (long)to, (long)bytes, (long)offset, 0, 0);
        if (got == -EINTR) continue;
        if (got <= 0) fail("it cannot be read");
        to += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
}

static void map_snapshot(void) {
    uint64_t at;
    const struct pages_head *head = open_pages(&at);
    const struct run *runs = (const struct run *)(head + 1);
    uint64_t least = find_least(runs, head->runs), whole = at + head->bytes;
    for (uint64_t i = 0; i < head->runs; at += runs[i++].bytes) {
        char *to = memory + runs[i].offset;
        bool is_mapped = runs[i].bytes >= least &&
                         map(to, runs[i].bytes, protection, MAP_PRIVATE | MAP_FIXED, PAGES_FD, at) == (long)to;
        if (!is_mapped) copy(to, runs[i].bytes, at);
    }
    call(SYS_munmap, (long)head, (long)whole, 0, 0, 0, 0);
    if (call(SYS_write, MAPPED_FD, (long)"mapped\n", 7, 0, 0, 0) != 7) fail("the daemon is gone");
    call(SYS_close, PAGES_FD, 0, 0, 0, 0, 0);
    call(SYS_close, MAPPED_FD, 0, 0, 0, 0, 0);
}

static void *map_for_qemu(void *address, size_t bytes, int prot, int flags, int fd, off_t offset) {
    long at = with_errno(map(address, bytes, prot, flags, fd, (uint64_t)offset));
    if (at != -1 && fd >= 0 && fd == ram_fd) {
        memory = (char *)at;
        memory_bytes = bytes;
        protection = prot;
    }
    return (void *)at;
}

#undef mmap
#undef mmap64
void *mmap(void *address, size_t bytes, int prot, int flags, int fd, off_t offset) {
    return map_for_qemu(address, bytes, prot, flags, fd, offset);
}
void *mmap64(void *address, size_t bytes, int prot, int flags, int fd, off64_t offset) {
    return map_for_qemu(address, bytes, prot, flags, fd, offset);
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
    if (has_snapshot && fd == STATE_FD) {
        has_snapshot = false;
        map_snapshot();
    }
    return with_errno(call(SYS_readv, fd, (long)parts, count, 0, 0, 0));
}
