// The requests that begin, commit and cancel transfers.
#ifndef TRANSFER_REQUEST_H
#define TRANSFER_REQUEST_H

#include <stdint.h>

#include "json.h"

void transfer_request_stage(uint32_t stream, struct json request);
void transfer_request_commit(uint32_t stream, struct json request);
// Reports how a commit ended, to a host that may have missed the answer.
void transfer_request_committed(uint32_t stream, struct json request);
void transfer_request_cancel(uint32_t stream, struct json request);

#endif
