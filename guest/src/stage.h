// A tree being staged, or staged and waiting for its commit.
#ifndef STAGE_H
#define STAGE_H

#include "equal.h"
#include "fill.h"
#include "folders.h"
#include "kept.h"
#include "protocol.h"
#include "record.h"
#include "removals.h"
#include "transfer.h"

struct stage {
    struct transfer transfer;
    bool is_dry;   // only compares: there is no tree
    bool is_new;   // no entry has arrived yet
    char id[ID_MAX_DIGITS + 1];
    struct record_parser parser;
    int place_fd; // the staging directory's child that is ours; holds `tree` and `exchange`
    int tree_fd;  // the root of the staged tree, which has the paths of the workspace
    char destination[PATH_MAX]; // the destination's path in that tree
    int root_fd;                // the destination in that tree
    int old_root_fd;            // the destination in the workspace; -1: missing
    int folder_fd;              // of the current entry; kept for the next one in the same folder
    int old_folder_fd;          // the same in the workspace; -1: missing
    char folder[PATH_MAX];
    const char *name; // the entry's name in its folder
    struct fill file;
    struct equal equal;
    struct folders folders;
    struct kept kept;
    struct removals removals;
    struct removals clashes; // of a dry run: new entries where the workspace has another type
    int64_t records, entries, bytes;
    int64_t unchanged; // entries that the workspace had already, equal
};

// Sends the answer when the work is done, or at once when the request is refused.
void stage_start(uint32_t stream, const char *path, const char *id, bool is_dry);

// NULL when the stream is not a stage.
struct stage *stage_find(uint32_t stream);

// Removes leftovers of stages of an earlier agent.
void stages_sweep(void);

// Frees the stage; its files stay on disk.
void stage_forget(struct stage *stage);

// Answers with a failure of the file system. A path that leads out of the workspace is UNSAFE_PATH.
void stage_reply_failure(uint32_t stream, int error, const char *path, const char *message);

// In entry.c. entry_begin puts the entry of the parser's record into the tree; a file's content follows. All return false with errno.
bool entry_begin(struct stage *stage);
bool entry_write(struct stage *stage, const uint8_t *bytes, size_t size);
bool entry_end(struct stage *stage);

#endif
