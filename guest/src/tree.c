#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "session.h"

enum { FIRST_NAMES_BYTES = 1024 };

// A directory being walked: all its names at once, since they are sorted.
struct level {
    int fd;
    size_t path_length; // of the tree's path when this directory is the current one
    char *names;        // one behind the other, each with its NUL
    size_t used, room;
    uint32_t *order; // where each begins; NULL until all are read
    size_t count, at;
    const char *after;
    struct level *above;
};

struct listed {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static bool push_level(struct tree *tree, int fd, const char *after) {
    struct level *level = tree->depth < TREE_DEPTH_MAX ? calloc(1, sizeof *level) : NULL;
    if (!level) {
        close(fd);
        errno = tree->depth < TREE_DEPTH_MAX ? ENOMEM : ENAMETOOLONG;
        return false;
    }
    level->fd = fd;
    level->path_length = strlen(tree->path);
    level->after = after;
    level->above = tree->level;
    tree->level = level;
    tree->depth++;
    return true;
}

static void pop_level(struct tree *tree) {
    struct level *level = tree->level;
    tree->level = level->above;
    tree->depth--;
    tree->held_bytes -= level->room + level->count * sizeof *level->order;
    close(level->fd);
    free(level->names);
    free(level->order);
    free(level);
}

void tree_close(struct tree *tree) {
    while (tree->level) pop_level(tree);
}

bool tree_begin(struct tree *tree, int fd, const char *after) {
    tree->path[0] = '\0';
    return push_level(tree, fd, after);
}

static bool hold(struct tree *tree, size_t bytes) {
    if (bytes > NAMES_HELD_MAX_BYTES - tree->held_bytes) {
        errno = E2BIG;
        return false;
    }
    tree->held_bytes += bytes;
    return true;
}

static bool add_name(struct tree *tree, const char *name) {
    struct level *level = tree->level;
    size_t size = strlen(name) + 1;
    if (size > level->room - level->used) {
        size_t more = level->room ? level->room : FIRST_NAMES_BYTES;
        if (!hold(tree, more)) return false;
        char *names = realloc(level->names, level->room + more);
        if (!names) return false;
        level->names = names;
        level->room += more;
    }
    memcpy(level->names + level->used, name, size);
    level->used += size;
    return true;
}

static const char *sorted_names;

static int compare(const void *left, const void *right) {
    return strcmp(sorted_names + *(const uint32_t *)left, sorted_names + *(const uint32_t *)right);
}

static size_t count_names(const struct level *level) {
    size_t count = 0;
    for (size_t at = 0; at < level->used; at += strlen(level->names + at) + 1) count++;
    return count;
}

// True when the name is the first part of a cursor.
static bool is_first_part(const char *after, const char *name) {
    size_t length = strcspn(after, "/");
    return strncmp(after, name, length) == 0 && !name[length];
}

static bool is_before(const char *name, const char *after) {
    size_t length = strcspn(after, "/");
    int order = strncmp(name, after, length);
    return order < 0 || (order == 0 && strlen(name) < length);
}

static bool sort(struct tree *tree) {
    struct level *level = tree->level;
    size_t count = count_names(level);
    if (!hold(tree, count * sizeof *level->order)) return false;
    level->order = malloc(count * sizeof *level->order + 1);
    if (!level->order) return false;
    level->count = count;
    for (size_t at = 0, i = 0; i < count; at += strlen(level->names + at) + 1) level->order[i++] = (uint32_t)at;
    sorted_names = level->names;
    qsort(level->order, count, sizeof *level->order, compare);
    while (level->after && level->at < count && is_before(level->names + level->order[level->at], level->after)) level->at++;
    return true;
}

// Reads as many names as one call gives; sorts them after the last.
static enum tree_event read_names(struct tree *tree) {
    long got = syscall(SYS_getdents64, tree->level->fd, session_scratch, sizeof session_scratch);
    if (got < 0) return TREE_FAILED;
    if (got == 0) return sort(tree) ? TREE_BUSY : TREE_FAILED;
    for (long at = 0; at < got;) {
        const struct listed *listed = (const struct listed *)(session_scratch + at);
        at += listed->length;
        if (strcmp(listed->name, ".") == 0 || strcmp(listed->name, "..") == 0) continue;
        if (!add_name(tree, listed->name)) return TREE_FAILED;
    }
    return TREE_BUSY;
}

static bool append_to_path(struct tree *tree, size_t at, const char *name) {
    size_t length = strlen(name);
    if (at + 1 + length >= sizeof tree->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (at) tree->path[at++] = '/';
    memcpy(tree->path + at, name, length + 1);
    return true;
}

static enum tree_event leave(struct tree *tree) {
    tree->path[tree->level->path_length] = '\0';
    pop_level(tree);
    if (!tree->level) return TREE_END;
    const char *slash = strrchr(tree->path, '/');
    tree->folder = tree->level->fd;
    tree->name = slash ? slash + 1 : tree->path;
    return TREE_LEAVE;
}

enum tree_event tree_next(struct tree *tree) {
    struct level *level = tree->level;
    if (!level->order) return read_names(tree);
    if (level->at == level->count) return leave(tree);
    const char *name = level->names + level->order[level->at++];
    if (!append_to_path(tree, level->path_length, name)) return TREE_FAILED;
    tree->folder = level->fd;
    tree->name = name;
    tree->is_told = level->after && is_first_part(level->after, name);
    const char *rest = tree->is_told ? strchr(level->after, '/') : NULL;
    tree->after = rest ? rest + 1 : NULL;
    level->after = NULL;
    if (fstatat(level->fd, name, &tree->stat, AT_SYMLINK_NOFOLLOW) == 0) return TREE_ENTRY;
    return errno == ENOENT ? TREE_BUSY : TREE_FAILED;
}

static int open_directory(int folder, const char *name, dev_t device) {
#ifndef BENEATH_WALKS
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_MOUNTS};
    int opened = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) return opened;
#endif
    struct stat around;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (fstat(folder, &around) == 0 && around.st_dev == device)) return fd;
    close(fd);
    errno = EXDEV;
    return -1;
}

bool tree_enter(struct tree *tree) {
    int fd = open_directory(tree->folder, tree->name, tree->stat.st_dev);
    return fd >= 0 && push_level(tree, fd, tree->after);
}
