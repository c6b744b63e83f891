#include "mapped.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PROCESSES_MAX = 1000, // the agent does nothing else while it looks at them
    INODES_MAX = 4096,
};

static unsigned long inodes[INODES_MAX];
static int count;
static bool is_too_much; // there were too many processes or mappings: any file may be mapped

static void add(unsigned long inode) {
    if (count < INODES_MAX)
        inodes[count++] = inode;
    else
        is_too_much = true;
}

static int compare(const void *left, const void *right) {
    unsigned long a = *(const unsigned long *)left, b = *(const unsigned long *)right;
    return (a > b) - (a < b);
}

// A line is `addresses permissions offset device inode path`; the last permission is `s` for a shared mapping.
static void look_at(int process) {
    char *line = NULL;
    size_t room = 0;
    int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    if (!maps && fd >= 0) close(fd);
    while (maps && getline(&line, &room, maps) > 0) {
        char kind;
        unsigned long inode;
        if (sscanf(line, "%*s %*3c%c %*s %*s %lu", &kind, &inode) == 2 && kind == 's' && inode != 0) add(inode);
    }
    free(line);
    if (maps) fclose(maps);
}

void mapped_look(void) {
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    int looked_at = 0;
    count = 0;
    is_too_much = processes == NULL;
    while (processes && !is_too_much && (entry = readdir(processes))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        int process = openat(dirfd(processes), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process >= 0) look_at(process);
        if (process >= 0) close(process);
        is_too_much |= ++looked_at > PROCESSES_MAX;
    }
    if (processes) closedir(processes);
    qsort(inodes, (size_t)count, sizeof *inodes, compare);
}

bool mapped_has(ino_t inode) {
    unsigned long wanted = inode;
    return is_too_much || bsearch(&wanted, inodes, (size_t)count, sizeof *inodes, compare) != NULL;
}
