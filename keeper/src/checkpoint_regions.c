#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// A guest decides what its QEMU has in memory.
#define BYTES_MAX (UINT64_C(512) << 20)

// Rows of anonymous pages with fewer pages between them are one: a new process makes each row's mapping with a call of its own.
enum { GAP_PAGES = 8 };

struct saving {
    pid_t pid;
    struct tables *tables;
    int ram, to, pagemap;
    uint64_t at;
};

static char zeros[GAP_PAGES * PAGE_SIZE];

static void append(struct saving *saving, const void *data, size_t bytes) {
    if (saving->at - CONTENT_AT + bytes > BYTES_MAX) refuse("QEMU has changed too much memory");
    write_all(saving->to, data, bytes);
    saving->at += bytes;
}

static void save_page(struct saving *saving, const struct region_head *region, uint64_t address, const char *page) {
    uint64_t *count = &saving->tables->head.row_count;
    struct row *last = *count == 0 ? NULL : &saving->tables->rows[*count - 1];
    uint64_t gap = last ? address - (last->address + last->bytes) : 0;
    // Pages between two rows are zeros only where no file lies beneath.
    bool is_near = gap == 0 || (region->kind == REGION_ANONYMOUS && gap <= sizeof zeros);
    if (!last || last->address < region->address || !is_near) {
        if (*count == ROWS_MAX) refuse("QEMU has too many rows of pages");
        last = &saving->tables->rows[(*count)++];
        *last = (struct row){address, 0, saving->at};
        gap = 0;
    }
    append(saving, zeros, gap);
    append(saving, page, PAGE_SIZE);
    last->bytes += gap + PAGE_SIZE;
}

// Whether a new process finds the page without the checkpoint's file.
static bool is_elsewhere(const struct saving *saving, const struct region_head *region, uint64_t address, const char *page) {
    char template[PAGE_SIZE];
    off_t offset = (off_t)(region->offset + (address - region->address));
    if (region->kind == REGION_ANONYMOUS) return memcmp(page, zeros, PAGE_SIZE) == 0;
    if (region->kind != REGION_MEMORY) return false;
    return pread(saving->ram, template, PAGE_SIZE, offset) == PAGE_SIZE && memcmp(page, template, PAGE_SIZE) == 0;
}

static void save_pages(struct saving *saving, const struct region_head *region, uint64_t address, uint64_t count) {
    static char pages[64 * PAGE_SIZE];
    for (uint64_t part; count > 0; count -= part, address += part * PAGE_SIZE) {
        part = count < sizeof pages / PAGE_SIZE ? count : sizeof pages / PAGE_SIZE;
        read_memory(saving->pid, address, pages, part * PAGE_SIZE);
        for (uint64_t i = 0; i < part; i++) {
            uint64_t at = address + i * PAGE_SIZE;
            if (!is_elsewhere(saving, region, at, pages + i * PAGE_SIZE)) save_page(saving, region, at, pages + i * PAGE_SIZE);
        }
    }
}

// Saves the pages that the process has written. `whole` saves those of the file beneath, too.
static void save_region(struct saving *saving, const struct region_head *region, bool whole) {
    uint64_t entries[512], count = region->bytes / PAGE_SIZE, first = region->address / PAGE_SIZE;
    for (uint64_t done = 0, part; done < count; done += part) {
        part = count - done < 512 ? count - done : 512;
        ssize_t got = pread(saving->pagemap, entries, part * sizeof *entries, (off_t)((first + done) * sizeof *entries));
        if (got >= 0) errno = ESRCH;
        if (got != (ssize_t)(part * sizeof *entries)) fail("pagemap");
        for (uint64_t i = 0, run; i < part; i += run + 1) {
            for (run = 0; i + run < part; run++)
                if (!whole && !is_changed(entries[i + run])) break;
            if (run > 0) save_pages(saving, region, region->address + (done + i) * PAGE_SIZE, run);
        }
    }
}

// As the process sees it, since a union of file systems shows other numbers in /proc.
static uint64_t read_inode(pid_t pid, const char *path) {
    char seen[4400];
    struct stat stat_of;
    snprintf(seen, sizeof seen, "/proc/%d/root%s", (int)pid, path);
    if (stat(seen, &stat_of) < 0) fail(path);
    return stat_of.st_ino;
}

static void describe(pid_t pid, struct region_head *region, const char *path, bool has_file, struct tables *tables) {
    bool is_memory = ends_with(path, "/ram"), is_written = region->protection & PROT_WRITE;
    region->grows = strcmp(path, "[stack]") == 0;
    if (strncmp(path, "[vvar", 5) == 0) region->kind = REGION_VVAR;
    else if (strcmp(path, "[vdso]") == 0) region->kind = REGION_VDSO;
    else if (is_memory) region->kind = REGION_MEMORY;
    // The data of a library is saved as a whole.
    else if (has_file && !is_written) region->kind = REGION_FILE;
    else region->kind = REGION_ANONYMOUS;
    if (region->kind != REGION_MEMORY && region->kind != REGION_FILE) return;
    region->path = add_path(tables, path);
    region->inode = read_inode(pid, path);
}

// The head has a copy of what pyro-ram.so noted. The new process gets that mapping empty: pyro-ram.so notes later network settings there.
static bool has_pages(const struct region_head *region) {
    bool is_kernels = region->kind == REGION_VVAR || region->kind == REGION_VDSO;
    return !is_kernels && region->address != PARK_AT && (region->protection & PROT_READ);
}

void save_regions(pid_t pid, struct tables *tables, int ram, int to) {
    struct saving saving = {.pid = pid, .tables = tables, .ram = ram, .to = to, .at = CONTENT_AT};
    char path[64], line[4400], perms[5];
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    if ((saving.pagemap = open(path, O_RDONLY | O_CLOEXEC)) < 0) fail(path);
    if (lseek(to, CONTENT_AT, SEEK_SET) < 0) fail("writing");
    FILE *maps = open_in_proc(pid, "maps");
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, end, offset, inode;
        int name = 0;
        if (sscanf(line, "%llx-%llx %4s %llx %*s %llu %n", &from, &end, perms, &offset, &inode, &name) != 5) refuse("a mapping of QEMU is unknown");
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line + name, "[vsyscall]") == 0) continue;
        if (perms[3] == 's') refuse("QEMU shares memory with another process");
        if (tables->head.region_count == REGIONS_MAX) refuse("QEMU has too many mappings");
        struct region_head *region = &tables->regions[tables->head.region_count++];
        int protection = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) | (perms[2] == 'x' ? PROT_EXEC : 0);
        *region = (struct region_head){.address = from, .bytes = end - from, .offset = offset, .protection = (uint32_t)protection};
        describe(pid, region, line + name, inode != 0, tables);
        if (has_pages(region)) save_region(&saving, region, region->kind == REGION_ANONYMOUS && inode != 0);
    }
    fclose(maps);
}
