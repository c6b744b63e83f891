#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

enum { FIRST_ROOM = 64 };

bool folders_add(struct folders *folders, const char *path, mode_t mode, struct timespec mtime) {
    if (folders->count == folders->room) {
        size_t room = folders->room ? 2 * folders->room : FIRST_ROOM;
        struct folder **list = realloc(folders->list, room * sizeof *list);
        if (!list) return false;
        folders->list = list;
        folders->room = room;
    }
    struct folder *folder = malloc(sizeof *folder + strlen(path) + 1);
    if (!folder) return false;
    *folder = (struct folder){.number = folders->count, .mode = mode, .mtime = mtime};
    strcpy(folder->path, path);
    folders->list[folders->count++] = folder;
    return true;
}

static int compare(const void *left, const void *right) {
    const struct folder *a = *(struct folder *const *)left, *b = *(struct folder *const *)right;
    int order = strcmp(a->path, b->path);
    return order ? order : a->number < b->number ? -1 : 1;
}

void folders_sort(struct folders *folders) {
    size_t kept = 0;
    if (folders->count) qsort(folders->list, folders->count, sizeof *folders->list, compare);
    for (size_t i = 0; i < folders->count; i++) {
        bool is_last = i + 1 == folders->count || strcmp(folders->list[i]->path, folders->list[i + 1]->path) != 0;
        if (is_last)
            folders->list[kept++] = folders->list[i];
        else
            free(folders->list[i]);
    }
    folders->count = kept;
}

static bool settle(const struct folder *folder, int tree) {
    int fd = beneath_open(tree, folder->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return false;
    bool is_done = futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, folder->mtime}) == 0 &&
                   fchmod(fd, folder->mode) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return is_done;
}

const struct folder *folders_settle(const struct folders *folders, int tree) {
    // Backwards: a directory may lose permissions, so its entries come first.
    for (size_t i = folders->count; i-- > 0;)
        if (!folders->list[i]->is_met && !settle(folders->list[i], tree)) return folders->list[i];
    return NULL;
}

static int compare_path(const void *path, const void *item) {
    return strcmp(path, (*(struct folder *const *)item)->path);
}

struct folder *folders_find(const struct folders *folders, const char *path) {
    if (folders->count == 0) return NULL;
    struct folder **found = bsearch(path, folders->list, folders->count, sizeof *folders->list, compare_path);
    return found ? *found : NULL;
}

void folders_free(struct folders *folders) {
    for (size_t i = 0; i < folders->count; i++) free(folders->list[i]);
    free(folders->list);
    *folders = (struct folders){0};
}
