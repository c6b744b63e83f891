// pyro-checkpoint: writes a QEMU whose VM is paused into a file, from which pyro-restore continues it in other jails
// (docs/decisions/0072).
//
//   PID MEMORY_FILE FILE    the process does not continue: its threads stay parked until the caller ends it
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char program[] = "pyro-checkpoint";

static struct tables tables;

_Noreturn void refuse(const char *what) {
    fprintf(stderr, "%s: %s\n", program, what);
    _exit(FAILED);
}

uint32_t add_path(struct tables *to, const char *path) {
    size_t bytes = strlen(path) + 1;
    if (to->path_bytes + bytes > sizeof to->paths) refuse("QEMU has too many files");
    memcpy(to->paths + to->path_bytes, path, bytes);
    to->path_bytes += bytes;
    return (uint32_t)(to->path_bytes - bytes);
}

FILE *open_in_proc(pid_t pid, const char *name) {
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (!file) fail(path);
    return file;
}

void read_memory(pid_t pid, uint64_t from, void *to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        struct iovec piece = {(void *)(uintptr_t)(from + done), bytes - done};
        ssize_t got = memory_read(pid, &piece, 1, (char *)to + done, bytes - done);
        if (got == 0) errno = EFAULT;
        if (got <= 0) fail("the memory of QEMU");
        done += (size_t)got;
    }
}

void pause_briefly(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); }

static void write_tables(int to) {
    struct checkpoint_head *head = &tables.head;
    const size_t files = head->file_count * sizeof *tables.files, regions = head->region_count * sizeof *tables.regions;
    const size_t rows = head->row_count * sizeof *tables.rows;
    memcpy(head->magic, CHECKPOINT_MAGIC, sizeof head->magic);
    head->table_bytes = sizeof *head + files + regions + rows + tables.path_bytes;
    if (head->table_bytes > CONTENT_AT) refuse("its tables are too large");
    if (lseek(to, 0, SEEK_SET) < 0) fail("writing");
    write_all(to, head, sizeof *head);
    write_all(to, tables.files, files);
    write_all(to, tables.regions, regions);
    write_all(to, tables.rows, rows);
    write_all(to, tables.paths, tables.path_bytes);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: pyro-checkpoint PID MEMORY_FILE FILE\n", stderr);
        return USAGE;
    }
    pid_t pid = atoi(argv[1]);
    int ram = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (ram < 0) fail(argv[2]);
    int to = create_file(argv[3]);
    await_disconnection(pid);
    park_threads(pid, &tables.head.park);
    tables.head.made_at = time(NULL);
    describe_files(pid, &tables);
    save_regions(pid, &tables, ram, to);
    write_tables(to);
    // Some file systems report only here that they have no room.
    if (close(to) < 0) fail("writing");
    return 0;
}
