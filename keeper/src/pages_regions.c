#include "pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The name of the memory file in the jail, as the kernel shows it.
#define MEMORY_FILE "/pyro/template/ram\n"

struct regions regions_find(pid_t pid, uint64_t memory_bytes) {
    char path[64], line[4096];
    struct regions regions = {0};
    uint64_t whole = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (!maps) fail(path);
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, to, offset;
        int name = 0;
        if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %n", &from, &to, &offset, &name) != 3) continue;
        if (name == 0 || strcmp(line + name, MEMORY_FILE) != 0) continue;
        struct region *list = realloc(regions.list, (regions.count + 1) * sizeof *list);
        if (!list) fail("memory");
        list[regions.count++] = (struct region){offset, to - from, from};
        regions.list = list;
        whole += to - from;
        // A compromised QEMU can map anything; regions outside of the VM's memory are ignored.
        errno = EINVAL;
        if (offset > memory_bytes || to - from > memory_bytes - offset) fail("the mapping of the VM's memory");
    }
    errno = ferror(maps) ? EIO : ESRCH;
    if (whole == 0) fail("the VM's memory is not mapped");
    errno = EINVAL;
    if (whole != memory_bytes) fail("the mapping of the VM's memory");
    fclose(maps);
    return regions;
}
