#include "pages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The end of the memory file's path: /pyro/template/ram in a jail of bubblewrap, and its own path in a container's.
#define MEMORY_FILE "/ram\n"

static void add(struct regions *regions, struct region region) {
    struct region *list = realloc(regions->list, (regions->count + 1) * sizeof *list);
    if (!list) fail("memory");
    list[regions->count++] = region;
    regions->list = list;
}

// All mappings of a process, with the offsets of their files.
static struct regions read_mappings(FILE *maps) {
    char line[4096];
    struct regions mappings = {0};
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, to, offset;
        int name = 0;
        if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %n", &from, &to, &offset, &name) != 3) continue;
        bool is_template = name != 0 && ends_with(line + name, MEMORY_FILE);
        add(&mappings, (struct region){offset, to - from, from, is_template});
    }
    errno = ferror(maps) ? EIO : ESRCH;
    if (mappings.count == 0) fail("the VM's memory is not mapped");
    return mappings;
}

// The address at which the memory begins, by a part of the template's file that a snapshot left mapped.
static uint64_t find_beginning(const struct regions *mappings) {
    for (size_t i = 0; i < mappings->count; i++) {
        const struct region *each = &mappings->list[i];
        errno = EINVAL;
        if (each->is_template && each->offset > each->address) fail("the mapping of the VM's memory");
        if (each->is_template) return each->address - each->offset;
    }
    errno = ESRCH;
    fail("the VM's memory is not mapped");
}

struct regions regions_read(FILE *maps, uint64_t memory_bytes) {
    struct regions mappings = read_mappings(maps), regions = {0};
    uint64_t beginning = find_beginning(&mappings), whole = 0;
    for (size_t i = 0; i < mappings.count; i++) {
        struct region each = mappings.list[i];
        if (each.address < beginning || each.address - beginning >= memory_bytes) continue;
        uint64_t offset = each.address - beginning;
        // A compromised QEMU can map anything. The parts must be the memory from its beginning to its end, each at its place.
        errno = EINVAL;
        if (offset != whole || each.bytes > memory_bytes - whole) fail("the mapping of the VM's memory");
        if (each.is_template && each.offset != offset) fail("the mapping of the VM's memory");
        add(&regions, (struct region){offset, each.bytes, each.address, each.is_template});
        whole += each.bytes;
    }
    errno = EINVAL;
    if (whole != memory_bytes) fail("the mapping of the VM's memory");
    free(mappings.list);
    return regions;
}

struct regions regions_find(pid_t pid, uint64_t memory_bytes) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (!maps) fail(path);
    struct regions regions = regions_read(maps, memory_bytes);
    fclose(maps);
    return regions;
}
