#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


enum {
    LEFT_MAX = 4096,
    // The most groups of earlier commands that are tried for removal when a command ends.
    REMOVALS_PER_TURN = 8,
    DEPTH_MAX = 8,
    NAME_BYTES = 24,
};

static int jobs_fd = -1;
static uint32_t last_number;
// The next job's group, made ahead while no request waits: the kernel makes and fills a directory for each group.
static struct cgroup next = {.fd = -1};

// Groups with processes that outlived their job; the oldest is tried first.
static struct {
    uint32_t numbers[LEFT_MAX];
    int count;
} left;

static bool write_to(int directory, const char *name, const char *text) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return is_written;
}

// The number after a word of a flat file such as cgroup.events; 0 when it has none.
static long read_count(int directory, const char *name, const char *word) {
    char text[512], key[32];
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text + 1, sizeof text - 2);
    close(fd);
    if (length < 0) return 0;
    text[0] = '\n';
    text[1 + length] = '\0';
    snprintf(key, sizeof key, "\n%s ", word);
    const char *at = strstr(text, key);
    return at ? atol(at + strlen(key)) : 0;
}

static void name_group(char name[NAME_BYTES], uint32_t number) { snprintf(name, NAME_BYTES, "job-%u", number); }

static void make_next(void) {
    char name[NAME_BYTES];
    if (next.fd >= 0 || jobs_fd < 0) return;
    next.number = ++last_number;
    name_group(name, next.number);
    if (mkdirat(jobs_fd, name, 0755) == 0) next.fd = openat(jobs_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void cgroup_open(const char *mount_point) {
    int root = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return;
    // Memory is accounted by group, so that the kernel reports whose process it killed when memory ran out.
    write_to(root, "cgroup.subtree_control", "+memory");
    if (mkdirat(root, "pyro", 0755) == 0 || errno == EEXIST) {
        jobs_fd = openat(root, "pyro", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (jobs_fd >= 0) write_to(jobs_fd, "cgroup.subtree_control", "+memory");
    }
    close(root);
    make_next();
}

struct cgroup cgroup_take(void) {
    make_next();
    struct cgroup group = next;
    next.fd = -1;
    return group;
}

bool cgroup_kill(const struct cgroup *group) { return group->fd >= 0 && write_to(group->fd, "cgroup.kill", "1"); }

bool cgroup_is_empty(const struct cgroup *group) {
    return group->fd < 0 || read_count(group->fd, "cgroup.events", "populated") == 0;
}

bool cgroup_was_oom_killed(const struct cgroup *group) {
    return group->fd >= 0 && read_count(group->fd, "memory.events", "oom_kill") > 0;
}

// A command may have made groups within its own: they go first.
static bool remove_group(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    int fd = depth < DEPTH_MAX ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0) return false;
    DIR *directory = read_count(fd, "cgroup.events", "populated") == 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        close(fd);
        return false;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') remove_group(fd, entry->d_name, depth + 1);
    closedir(directory);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

static bool remove_numbered(uint32_t number) {
    char name[NAME_BYTES];
    name_group(name, number);
    return remove_group(jobs_fd, name, 0);
}

static void leave_for_later(uint32_t number) {
    if (left.count < LEFT_MAX) left.numbers[left.count++] = number;
}

static void remove_left(void) {
    for (int turn = left.count < REMOVALS_PER_TURN ? left.count : REMOVALS_PER_TURN; turn > 0; turn--) {
        uint32_t oldest = left.numbers[0];
        memmove(left.numbers, left.numbers + 1, sizeof *left.numbers * (size_t)--left.count);
        if (!remove_numbered(oldest)) leave_for_later(oldest);
    }
}

void cgroup_leave(struct cgroup *group) {
    if (group->fd < 0) return;
    close(group->fd);
    group->fd = -1;
    remove_left();
    if (!remove_numbered(group->number)) leave_for_later(group->number);
    make_next();
}
