// The memory of another process, and files that hold it.
#ifndef PROCESS_IO_H
#define PROCESS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { PIECE_BYTES = 1 << 20 };

// Exit statuses that the daemon distinguishes.
enum { FAILED = 1, USAGE = 2, DISK_IS_FULL = 3, NOT_ALLOWED = 4, IS_GONE = 5 };

// Entries of /proc/PID/pagemap, as Documentation/admin-guide/mm/pagemap.rst has them.
#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define OF_FILE (UINT64_C(1) << 61)

// A page that is present and not the file's was written by the process: the mapping is private.
static inline bool is_changed(uint64_t entry) { return (entry & (PRESENT | SWAPPED)) && !(entry & OF_FILE); }

static inline bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), part = strlen(end);
    return size >= part && strcmp(text + size - part, end) == 0;
}

// The name of this program, before its errors.
extern const char program[];

// Prints an error and ends the program, with the status for errno.
_Noreturn void fail(const char *what);

// Reads pieces of a process's memory one after the other; as process_vm_readv.
ssize_t memory_read(pid_t pid, const struct iovec *from, size_t count, char *to, size_t bytes);

int create_file(const char *path);
void write_all(int fd, const void *data, size_t size);

#endif
