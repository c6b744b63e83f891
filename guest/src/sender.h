// Entries on their way to the host as records with their content.
#ifndef SENDER_H
#define SENDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "json_out.h"
#include "record.h"
#include "transfer.h"

struct sender {
    struct outlet *outlet;
    struct record record; // the caller sets its path
    int fd;               // of the file whose content is being sent; -1 for none
    bool is_steady;       // a file that changes while it is sent fails
    bool skips_holes;
    struct timespec looked; // of a steady sender: when mappings were read
    struct stat begun;    // the file when it was opened
    struct pieces pieces; // of a file whose holes are skipped; none of any other
    int piece;            // the next one
    int64_t left;         // of the piece at hand, or of the whole file
    int64_t entries, bytes, skipped;
};

enum { SENDER_ROOM_BYTES = 4 + RECORD_HEADER_MAX_BYTES };

void sender_begin(struct sender *sender, struct outlet *outlet);

// From now on a file that changes while it is sent fails. A file that has not changed for a while has a stamp in its header, for `learn`.
void sender_be_steady(struct sender *sender);

// From now on only the data of sparse files is sent; their headers say where it belongs.
void sender_skip_holes(struct sender *sender);

// Sends the header of an entry, links not followed; a file's content follows. Counts devices, FIFOs and sockets in `skipped`. False
// with errno.
bool sender_add(struct sender *sender, int folder, const char *name);

// Sends a part of the content at hand. False with errno: ESTALE when the file has shrunk, or has changed while it had to be steady.
bool sender_go_on(struct sender *sender);

void sender_end(struct sender *sender);

// Adds the counts to an answer.
void sender_render(const struct sender *sender, struct json_out *out);

#endif
