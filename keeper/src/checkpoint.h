// The shared parts of pyro-checkpoint, which writes a paused QEMU into a file.
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <stdio.h>

#include "checkpoint_file.h"
#include "process_io.h"

// How long QEMU may take to close its connections, to come to rest, and to park.
enum { PATIENCE_MS = 10000 };

enum { FILES_MAX = 1024, REGIONS_MAX = 4096, ROWS_MAX = 32768, PATHS_BYTES = 65536 };

// All that is written before the pages.
struct tables {
    struct checkpoint_head head;
    struct file_head files[FILES_MAX];
    struct region_head regions[REGIONS_MAX];
    struct row rows[ROWS_MAX];
    char paths[PATHS_BYTES];
    size_t path_bytes;
};

// Ends the program for a QEMU that cannot be continued elsewhere.
_Noreturn void refuse(const char *what);
// The place of a path in the table of paths.
uint32_t add_path(struct tables *tables, const char *path);
// Opens /proc/PID/NAME.
FILE *open_in_proc(pid_t pid, const char *name);
// Reads all of it, or ends the program.
void read_memory(pid_t pid, uint64_t from, void *to, size_t bytes);

// Waits a millisecond.
void pause_briefly(void);

// Waits until QEMU has closed its ends of the connections that the daemon has closed.
void await_disconnection(pid_t pid);
// Stops all threads of the process in the handler of pyro-ram.so, and reads what that has noted.
void park_threads(pid_t pid, struct park *park);
void describe_files(pid_t pid, struct tables *tables);
// Describes the mappings, and writes the pages that a new process does not find elsewhere. `ram` is the template's memory file.
void save_regions(pid_t pid, struct tables *tables, int ram, int to);

#endif
