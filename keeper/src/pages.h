// The shared parts of pyro-pages, which reads the memory of a QEMU from outside.
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "pages_file.h"
#include "process_io.h"

enum { VECTORS_MAX = 512 };

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

#endif
