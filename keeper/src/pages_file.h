// The file of a snapshot's changed memory: a head, `runs` of struct run, zeros up to a whole page, and the pages. pyro-pages writes it,
// and pyro-ram.so maps it into a QEMU.
#ifndef PAGES_FILE_H
#define PAGES_FILE_H

#include <stdint.h>

enum { PAGE_BYTES = 4096 };

#define PAGES_MAGIC "PYROPGS1"

struct pages_head {
    char magic[8];
    uint64_t memory_bytes, runs, bytes;
};

// A row of pages that the VM has changed.
struct run {
    uint64_t offset, bytes;
};

#endif
