#include "transfer_request.h"

#include <limits.h>
#include <string.h>

#include "commit.h"
#include "fields.h"
#include "reply.h"
#include "stage.h"
#include "transfer.h"
#include "tunnel.h"

static void refuse(uint32_t stream, const char *message) { reply_error(stream, "BAD_REQUEST", 0, NULL, message); }

// Hex digits in lower case: the id names a directory too.
static bool read_id(uint32_t stream, struct json request, char id[ID_MAX_DIGITS + 1]) {
    struct json value;
    bool is_good = json_field(request, "id", &value) && json_text(value, id, ID_MAX_DIGITS + 1) > 0 &&
                   id[strspn(id, "0123456789abcdef")] == '\0';
    if (!is_good) refuse(stream, "`id` must be 1 to 64 hex digits in lower case");
    return is_good;
}

void transfer_request_stage(uint32_t stream, struct json request) {
    char path[PATH_MAX], id[ID_MAX_DIGITS + 1];
    bool is_dry = false;
    if (fields_bool(stream, request, "dry_run", &is_dry) && fields_path(stream, request, "path", path) && read_id(stream, request, id) && transfers_have_room(stream))
        stage_start(stream, path, id, is_dry);
}

static bool read_transfer(uint32_t stream, struct json request, uint32_t *transfer) {
    struct json value;
    int64_t number;
    bool is_good = json_field(request, "transfer", &value) && json_integer(value, 1, UINT32_MAX, &number);
    if (is_good)
        *transfer = (uint32_t)number;
    else
        refuse(stream, "`transfer` must be a stream number");
    return is_good;
}

void transfer_request_commit(uint32_t stream, struct json request) {
    uint32_t transfer;
    if (!read_transfer(stream, request, &transfer)) return;
    struct stage *stage = stage_find(transfer);
    if (!stage || !stage->transfer.is_answered || stage->is_dry) return refuse(stream, "`transfer` must be a stage that was answered");
    commit_answer(stream, stage);
}

void transfer_request_committed(uint32_t stream, struct json request) {
    char id[ID_MAX_DIGITS + 1];
    if (read_id(stream, request, id)) commit_answer_known(stream, id);
}

// An unknown transfer has just ended by itself: not a failure.
void transfer_request_cancel(uint32_t stream, struct json request) {
    uint32_t transfer;
    if (!read_transfer(stream, request, &transfer)) return;
    if (tunnel_cancel(transfer)) return reply_empty(stream);
    struct transfer *found = transfer_find(transfer);
    bool is_answered = !found || found->is_answered;
    if (found) transfer_end(found);
    if (!is_answered) reply_error(transfer, "CANCELLED", 0, NULL, "cancelled");
    reply_empty(stream);
}
