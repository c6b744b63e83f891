#include "removals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "listing.h"

enum { FIRST_ROOM = 64 };

bool removals_add(struct removals *removals, const char *path, bool is_directory, struct timespec since) {
    if (removals->count == removals->room) {
        size_t room = removals->room ? 2 * removals->room : FIRST_ROOM;
        struct removal **list = realloc(removals->list, room * sizeof *list);
        if (!list) return false;
        removals->list = list;
        removals->room = room;
    }
    struct removal *removal = malloc(sizeof *removal + strlen(path) + 1);
    if (!removal) return false;
    const char *slash = strrchr(path, '/');
    *removal = (struct removal){.folder_length = slash ? (size_t)(slash - path) : 0, .is_directory = is_directory, .since = since};
    strcpy(removal->path, path);
    removals->list[removals->count++] = removal;
    return true;
}

const char *removal_name(const struct removal *removal) {
    return removal->path + removal->folder_length + (removal->folder_length > 0);
}

static int compare_folder(const char *folder, size_t length, const struct removal *removal) {
    size_t other = removal->folder_length;
    int order = memcmp(folder, removal->path, length < other ? length : other);
    return order ? order : length < other ? -1 : length > other;
}

static int compare(const void *left, const void *right) {
    const struct removal *a = *(struct removal *const *)left, *b = *(struct removal *const *)right;
    int order = compare_folder(a->path, a->folder_length, b);
    return order ? order : strcmp(removal_name(a), removal_name(b));
}

void removals_sort(struct removals *removals) {
    if (removals->count) qsort(removals->list, removals->count, sizeof *removals->list, compare);
}

size_t removals_find(const struct removals *removals, const char *folder) {
    size_t low = 0, high = removals->count, length = strlen(folder);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_folder(folder, length, removals->list[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool removal_is_in(const struct removal *removal, const char *folder) {
    return compare_folder(folder, strlen(folder), removal) == 0;
}

bool removal_fits(const struct removal *removal, const struct stat *found) {
    if (S_ISDIR(found->st_mode) || removal->is_directory) return S_ISDIR(found->st_mode) && removal->is_directory;
    const struct timespec *changed = &found->st_ctim, *since = &removal->since;
    return changed->tv_sec < since->tv_sec || (changed->tv_sec == since->tv_sec && changed->tv_nsec <= since->tv_nsec);
}

static int open_folder(const struct removal *removal, int root) {
    char folder[PATH_MAX];
    memcpy(folder, removal->path, removal->folder_length);
    folder[removal->folder_length] = '\0';
    return beneath_open(root, folder, O_RDONLY | O_DIRECTORY);
}

void removals_end_directories(struct removals *removals, int root) {
    // A longer path sorts after its parent's, so going backwards removes subdirectories first.
    for (size_t i = removals->count; i-- > 0;) {
        const struct removal *removal = removals->list[i];
        int fd = removal->is_directory ? open_folder(removal, root) : -1;
        if (fd < 0) continue;
        if (unlinkat(fd, removal_name(removal), AT_REMOVEDIR) == 0) removals->done++;
        close(fd);
    }
}

struct removal *removals_get(const struct removals *removals, const char *folder, const char *name, bool is_directory) {
    size_t low = removals_find(removals, folder), high = removals->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct removal *removal = removals->list[middle];
        if (removal_is_in(removal, folder) && strcmp(removal_name(removal), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < removals->count; low++) {
        struct removal *removal = removals->list[low];
        if (!removal_is_in(removal, folder) || strcmp(removal_name(removal), name) != 0) return NULL;
        if (removal->is_directory == is_directory) return removal;
    }
    return NULL;
}

static bool is_to_go(const struct removals *removals, const char *folder, const char *name) {
    for (int is_directory = 0; is_directory < 2; is_directory++) {
        const struct removal *removal = removals_get(removals, folder, name, is_directory);
        if (removal && removal->is_gone) return true;
    }
    return false;
}

static bool would_be_empty(const struct removals *removals, const struct removal *removal, int root) {
    int fd = beneath_open(root, removal->path, O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : listing_open(fd);
    bool is_empty = listing != NULL;
    const struct dirent *entry;
    while (is_empty && (entry = listing_next(listing))) is_empty = is_to_go(removals, removal->path, entry->d_name);
    if (listing) closedir(listing);
    if (fd >= 0) close(fd);
    return is_empty;
}

void removals_count(struct removals *removals, int root) {
    for (size_t i = removals->count; i-- > 0;) {
        struct removal *removal = removals->list[i];
        if (removal->is_directory) removal->is_gone = would_be_empty(removals, removal, root);
        if (removal->is_replaced) continue;
        removals->done += removal->is_gone;
        removals->kept += removal->is_kept;
    }
}

void removals_render(const struct removals *removals, struct json_out *out) {
    if (removals->asked == 0) return;
    json_out_integer(out, "removed", removals->done);
    json_out_integer(out, "kept", removals->kept);
}

void removals_free(struct removals *removals) {
    for (size_t i = 0; i < removals->count; i++) free(removals->list[i]);
    free(removals->list);
}
