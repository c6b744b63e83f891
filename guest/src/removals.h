// Entries that a stage removes from the workspace: an earlier push wrote them, and their source no longer has them.
#ifndef REMOVALS_H
#define REMOVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "json_out.h"

struct removal {
    size_t folder_length;
    struct timespec since; // an entry that was changed later stays
    bool is_directory;     // it is removed when it is empty
    bool is_gone;          // of a dry run: nothing would be left of it
    bool is_kept;          // of a dry run: the guest has changed it
    bool is_replaced;      // by a staged entry of another type, which takes its name
    char path[];           // below the root that the list is for
};

struct removals {
    struct removal **list;
    size_t count, room;
    int64_t asked; // requested removals of entries, those of missing entries included
    int64_t done, kept;
};

// False with errno ENOMEM.
bool removals_add(struct removals *removals, const char *path, bool is_directory, struct timespec since);

// Called after the last one was added: sorts by folder, then by name.
void removals_sort(struct removals *removals);

// Needs a sorted list. The index of the first one in the folder, or `count`.
size_t removals_find(const struct removals *removals, const char *folder);
bool removal_is_in(const struct removal *removal, const char *folder);
// Needs a sorted list. NULL when it does not name the entry as one of this type.
struct removal *removals_get(const struct removals *removals, const char *folder, const char *name, bool is_directory);
const char *removal_name(const struct removal *removal);

// Whether the entry is unchanged since the push: of the same type, and not modified later.
bool removal_fits(const struct removal *removal, const struct stat *found);

// The last step: removes the directories that became empty. Directories that cannot be removed stay.
void removals_end_directories(struct removals *removals, int root);
// Counts for a dry run what the commit would remove and keep.
void removals_count(struct removals *removals, int root);

// Adds the counts to an answer, if there was something to remove.
void removals_render(const struct removals *removals, struct json_out *out);

void removals_free(struct removals *removals);

#endif
