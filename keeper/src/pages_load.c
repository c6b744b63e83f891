#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Noreturn void corrupt(void) {
    errno = EINVAL;
    fail("the pages of the snapshot");
}

// Checks all that is read before the pages: the file may have been damaged.
static const struct pages_head *map_file(const char *path) {
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) < 0) fail(path);
    uint64_t size = (uint64_t)stat.st_size;
    if (size < sizeof(struct pages_head)) corrupt();
    const struct pages_head *head = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (head == MAP_FAILED) fail(path);
    if (memcmp(head->magic, PAGES_MAGIC, sizeof head->magic) != 0) corrupt();
    if (head->runs > size / sizeof(struct run) || head->bytes > size) corrupt();
    uint64_t table = sizeof *head + head->runs * sizeof(struct run);
    if ((table + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + head->bytes != size) corrupt();
    const struct run *runs = (const struct run *)(head + 1);
    uint64_t whole = 0;
    for (uint64_t i = 0; i < head->runs; whole += runs[i++].bytes)
        if (runs[i].bytes > head->bytes - whole) corrupt();
    if (whole != head->bytes) corrupt();
    close(fd);
    return head;
}

static void *find_address(const struct regions *regions, struct run run) {
    for (size_t i = 0; i < regions->count; i++) {
        const struct region *region = &regions->list[i];
        if (run.offset < region->offset || run.offset - region->offset > region->bytes) continue;
        uint64_t at = run.offset - region->offset;
        if (run.bytes <= region->bytes - at) return (void *)(uintptr_t)(region->address + at);
    }
    corrupt();
}

static void write_piece(pid_t pid, char *data, size_t bytes, const struct iovec *to, size_t count) {
    struct iovec from = {data, bytes};
    ssize_t put = process_vm_writev(pid, &from, 1, to, count, 0);
    if (put >= 0 && (size_t)put != bytes) errno = EFAULT;
    if (put < 0 || (size_t)put != bytes) fail("the VM's memory");
}

void pages_load(pid_t pid, const char *path) {
    const struct pages_head *head = map_file(path);
    struct regions regions = regions_find(pid, head->memory_bytes);
    const struct run *runs = (const struct run *)(head + 1);
    uint64_t table = sizeof *head + head->runs * sizeof *runs;
    char *data = (char *)head + (table + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    struct iovec to[VECTORS_MAX];
    size_t count = 0, bytes = 0;
    for (uint64_t i = 0; i < head->runs; i++) {
        char *address = find_address(&regions, runs[i]);
        // In pieces: the kernel writes less than 2 GiB at a time.
        for (uint64_t done = 0; done < runs[i].bytes;) {
            uint64_t left = runs[i].bytes - done;
            size_t part = left < PIECE_BYTES - bytes ? left : PIECE_BYTES - bytes;
            to[count++] = (struct iovec){address + done, part};
            bytes += part;
            done += part;
            if (count < VECTORS_MAX && bytes < PIECE_BYTES) continue;
            write_piece(pid, data, bytes, to, count);
            data += bytes;
            count = bytes = 0;
        }
    }
    if (count) write_piece(pid, data, bytes, to, count);
}
