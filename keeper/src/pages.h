// The shared parts of pyro-pages, which reads and writes the memory of a QEMU from outside.
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PAGE_BYTES = 4096, PIECE_BYTES = 1 << 20, VECTORS_MAX = 512 };

// Exit statuses that the daemon distinguishes.
enum { FAILED = 1, USAGE = 2, DISK_IS_FULL = 3, NOT_ALLOWED = 4, IS_GONE = 5 };

// Prints an error and ends the program, with the status for errno.
_Noreturn void fail(const char *what);

// A part of the VM's memory in QEMU: bytes of the memory file, and where QEMU has them.
struct region {
    uint64_t offset, bytes, address;
};

struct regions {
    struct region *list;
    size_t count;
};

// Where QEMU has mapped its VM's memory: all of `memory_bytes`, or it fails.
struct regions regions_find(pid_t pid, uint64_t memory_bytes);

// A row of pages that the VM has changed.
struct run {
    uint64_t offset, bytes;
};

// The head of a file of pages. After it come `runs` of struct run, zeros up to a whole page, and the pages.
struct pages_head {
    char magic[8];
    uint64_t memory_bytes, runs, bytes;
};
#define PAGES_MAGIC "PYROPGS1"

// The disk of a snapshot: `prepare` while the VM runs, `finish` while it is paused.
struct disk {
    int from, to;
    bool is_shared;
};
struct disk disk_prepare(const char *from, const char *to);
void disk_finish(const struct disk *disk);

// Writes the changed pages into a new file, and returns how many bytes they have.
uint64_t pages_save(pid_t pid, const struct regions *regions, uint64_t memory_bytes, int to);
// Writes them into the memory of another QEMU.
void pages_load(pid_t pid, const char *from);

int create_file(const char *path);
void write_all(int fd, const void *data, size_t size);

#endif
