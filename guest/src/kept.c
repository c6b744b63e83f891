#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"

enum { FIRST_ROOM = 1024 };

// The part of a note before its name and a NUL; an inode of 0 marks the folder of the notes after it.
struct note {
    uint64_t inode;
    int64_t mtime_s;
    uint32_t mtime_ns;
};

static bool add(struct kept *kept, struct note note, const char *name) {
    size_t length = strlen(name) + 1, need = kept->used + sizeof note + length;
    if (need > kept->room) {
        size_t room = kept->room ? kept->room : FIRST_ROOM;
        while (room < need) room *= 2;
        char *notes = realloc(kept->notes, room);
        if (!notes) return false;
        kept->notes = notes;
        kept->room = room;
    }
    memcpy(kept->notes + kept->used, &note, sizeof note);
    memcpy(kept->notes + kept->used + sizeof note, name, length);
    kept->used = need;
    return true;
}

bool kept_add(struct kept *kept, const char *folder, const char *name, const struct stat *found) {
    bool is_same = kept->has_folder && strcmp(kept->folder, folder) == 0;
    if (!is_same && !add(kept, (struct note){0}, folder)) return false;
    strcpy(kept->folder, folder);
    kept->has_folder = true;
    struct note note = {.inode = found->st_ino, .mtime_s = found->st_mtim.tv_sec, .mtime_ns = (uint32_t)found->st_mtim.tv_nsec};
    return add(kept, note, name);
}

bool kept_has(const struct kept *kept, ino_t inode) {
    for (size_t at = 0; at < kept->used;) {
        struct note note;
        memcpy(&note, kept->notes + at, sizeof note);
        if (note.inode && note.inode == inode) return true;
        at += sizeof note;
        at += strlen(kept->notes + at) + 1;
    }
    return false;
}

static bool is_as_found(int folder, struct note note, const char *name) {
    struct stat now;
    if (folder < 0 || fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) < 0) return false;
    return now.st_ino == note.inode && now.st_mtim.tv_sec == note.mtime_s &&
           (uint32_t)now.st_mtim.tv_nsec == note.mtime_ns;
}

bool kept_check(const struct kept *kept, int root, char path[PATH_MAX]) {
    const char *folder = "", *name;
    int fd = -1;
    bool is_good = true;
    for (size_t at = 0; is_good && at < kept->used; at += strlen(name) + 1) {
        struct note note;
        memcpy(&note, kept->notes + at, sizeof note);
        at += sizeof note;
        name = kept->notes + at;
        if (note.inode) {
            is_good = is_as_found(fd, note, name);
            if (!is_good) snprintf(path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
            continue;
        }
        if (fd >= 0) close(fd);
        folder = name;
        fd = beneath_open(root, folder, O_RDONLY | O_DIRECTORY);
    }
    if (fd >= 0) close(fd);
    errno = ESTALE;
    return is_good;
}

void kept_free(struct kept *kept) { free(kept->notes); }
