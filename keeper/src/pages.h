// The shared parts of pyro-pages, which reads the memory of a QEMU from outside.
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "pages_file.h"

enum { PIECE_BYTES = 1 << 20, VECTORS_MAX = 512 };

// Exit statuses that the daemon distinguishes.
enum { FAILED = 1, USAGE = 2, DISK_IS_FULL = 3, NOT_ALLOWED = 4, IS_GONE = 5 };

// Prints an error and ends the program, with the status for errno.
_Noreturn void fail(const char *what);

// A part of the VM's memory in QEMU: where QEMU has it, and whether its file is the template's or a snapshot's.
struct region {
    uint64_t offset, bytes, address;
    bool is_template;
};

struct regions {
    struct region *list;
    size_t count;
};

// Where QEMU has mapped its VM's memory: all of `memory_bytes`, or it fails.
struct regions regions_find(pid_t pid, uint64_t memory_bytes);
// The same of a list of mappings, as /proc/PID/maps has it.
struct regions regions_read(FILE *maps, uint64_t memory_bytes);

// The disk of a snapshot: `copy` and `sync` while the VM runs, `finish` while it is paused.
struct disk {
    int from, to;
    bool is_shared;
    // Before the copy. Times that are not recent differ after a later write.
    struct stat before;
    bool is_old;
};
struct disk disk_copy(const char *from, const char *to);
void disk_sync(const struct disk *disk);
void disk_finish(const struct disk *disk);

// Writes the changed pages into a new file, and returns how many bytes they have.
uint64_t pages_save(pid_t pid, const struct regions *regions, uint64_t memory_bytes, int to);

// Reads pieces of a process's memory one after the other; as process_vm_readv.
ssize_t memory_read(pid_t pid, const struct iovec *from, size_t count, char *to, size_t bytes);

int create_file(const char *path);
void write_all(int fd, const void *data, size_t size);

#endif
