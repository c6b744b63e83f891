#include "checkpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_info(pid_t pid, struct file_head *file) {
    char path[64], line[256];
    snprintf(path, sizeof path, "fdinfo/%u", file->fd);
    FILE *info = open_in_proc(pid, path);
    while (fgets(line, sizeof line, info)) {
        unsigned long long value;
        if (strncmp(line, "tfd:", 4) == 0) refuse("QEMU waits for its files in a way that cannot be made again");
        if (sscanf(line, "flags: %llo", &value) == 1) file->flags = (uint32_t)value;
        if (sscanf(line, "eventfd-count: %llx", &value) == 1 || sscanf(line, "sigmask: %llx", &value) == 1) file->value = value;
    }
    fclose(info);
}

// The new process has these already: the keeper and the daemon give them to it.
static bool is_inherited(uint32_t fd, const char *target) {
    // Without a network QEMU uses these two numbers itself. The tap is from another mount namespace, where its path may begin below /dev.
    if (fd == TAP_FD) return ends_with(target, "/net/tun");
    if (fd == LIFELINE_FD) return strncmp(target, "pipe:", 5) == 0;
    return fd <= STDERR_FILENO || fd == AGENT_FD || fd == QMP_FD;
}

static enum file_kind find_kind(uint32_t fd, const char *target) {
    if (is_inherited(fd, target)) return FILE_INHERITED;
    if (strcmp(target, "anon_inode:[eventfd]") == 0) return FILE_EVENT;
    if (strcmp(target, "anon_inode:[signalfd]") == 0) return FILE_SIGNALS;
    if (strcmp(target, "anon_inode:[eventpoll]") == 0) return FILE_EPOLL;
    if (target[0] == '/') return FILE_OF_PATH;
    fprintf(stderr, "%s: QEMU has the descriptor %u of %s, which cannot be made again\n", program, fd, target);
    _exit(FAILED);
}

// Calls a function with each descriptor and what it leads to.
static void each_file(pid_t pid, void (*visit)(void *context, uint32_t fd, const char *target), void *context) {
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory) fail(path);
    for (struct dirent *each; (each = readdir(directory));) {
        if (each->d_name[0] == '.') continue;
        ssize_t size = readlinkat(dirfd(directory), each->d_name, target, sizeof target - 1);
        // Closed meanwhile.
        if (size < 0) continue;
        target[size] = '\0';
        visit(context, (uint32_t)atoi(each->d_name), target);
    }
    closedir(directory);
}

static void count_connection(void *count, uint32_t fd, const char *target) {
    if (!is_inherited(fd, target) && strncmp(target, "socket:", 7) == 0) ++*(int *)count;
}

void await_disconnection(pid_t pid) {
    for (int i = 0; i < PATIENCE_MS; i++) {
        int connections = 0;
        each_file(pid, count_connection, &connections);
        if (connections == 0) return;
        pause_briefly();
    }
    refuse("QEMU is still connected");
}

struct description {
    pid_t pid;
    struct tables *tables;
};

static void describe_file(void *context, uint32_t fd, const char *target) {
    const struct description *description = context;
    struct tables *tables = description->tables;
    struct file_head file = {.fd = fd, .kind = find_kind(fd, target)};
    if (file.kind == FILE_OF_PATH) file.path = add_path(tables, target);
    read_info(description->pid, &file);
    if (tables->head.file_count == FILES_MAX) refuse("QEMU has too many descriptors");
    tables->files[tables->head.file_count++] = file;
}

void describe_files(pid_t pid, struct tables *tables) { each_file(pid, describe_file, &(struct description){pid, tables}); }
