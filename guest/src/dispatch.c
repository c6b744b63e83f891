#include "dispatch.h"

#include "job.h"
#include "mailbox.h"
#include "request.h"
#include "transfer.h"
#include "tunnel.h"

static bool dispatch_data(const struct frame *frame) {
    if (frame->length < DATA_HEADER_BYTES) return false;
    uint8_t channel = frame->payload[0];
    uint64_t offset = read_u64(frame->payload + 1);
    const uint8_t *bytes = frame->payload + DATA_HEADER_BYTES;
    size_t count = frame->length - DATA_HEADER_BYTES;
    bool is_eof = frame->type == TYPE_EOF;
    if (is_eof && count) return false;
    if (channel != CHANNEL_STDIN && channel != CHANNEL_CONTENT) return false;

    struct job *job = job_find(frame->stream);
    if (job) {
        if (channel != CHANNEL_STDIN) return false;
        return is_eof ? job_stdin_eof(job, offset) : job_stdin(job, offset, bytes, count);
    }
    if (tunnel_exists(frame->stream)) {
        if (channel != CHANNEL_STDIN) return false;
        return is_eof ? tunnel_eof(frame->stream, offset) : tunnel_data(frame->stream, offset, bytes, count);
    }
    struct transfer *transfer = transfer_find(frame->stream);
    if (!transfer) return true; // late, for a stream that has ended: ignored
    if (channel != CHANNEL_CONTENT) return false;
    return is_eof ? transfer_eof(transfer, offset) : transfer_content(transfer, offset, bytes, count);
}

static bool dispatch_mail(const struct frame *frame) {
    if (frame->length != MAIL_PAYLOAD_BYTES) return false;
    uint8_t channel = frame->payload[0];
    if (channel != CHANNEL_STDIN && channel != CHANNEL_CONTENT) return false;
    uint64_t offset = read_u64(frame->payload + 1), at = read_u64(frame->payload + 9);
    uint32_t length = read_u32(frame->payload + 17);
    uint64_t size = (uint64_t)mailbox_bytes();
    if (length == 0 || length > MAIL_MAX_BYTES || at % MAIL_ALIGN_BYTES || at > size || length > size - at) return false;
    struct job *job = job_find(frame->stream);
    if (job) return channel == CHANNEL_STDIN && job_stdin_mail(job, offset, at, length);
    struct transfer *transfer = transfer_find(frame->stream);
    if (!transfer) return !tunnel_exists(frame->stream);
    return channel == CHANNEL_CONTENT && transfer_mail(transfer, offset, at, length);
}

static bool dispatch_zeros(const struct frame *frame) {
    if (frame->length != ZEROS_PAYLOAD_BYTES || frame->payload[0] != CHANNEL_CONTENT) return false;
    uint32_t length = read_u32(frame->payload + 9);
    if (length == 0 || length > MAIL_MAX_BYTES) return false;
    struct transfer *transfer = transfer_find(frame->stream);
    return transfer ? transfer_zeros(transfer, read_u64(frame->payload + 1), length) : !job_find(frame->stream);
}

static bool dispatch_window(const struct frame *frame) {
    if (frame->length != WINDOW_PAYLOAD_BYTES) return false;
    uint8_t channel = frame->payload[0];
    uint64_t acked = read_u64(frame->payload + 1), limit = read_u64(frame->payload + 9);
    if (channel < CHANNEL_STDOUT || channel > CHANNEL_CONTENT || limit < acked) return false;

    struct job *job = job_find(frame->stream);
    if (job) return channel != CHANNEL_CONTENT && job_window(job, channel, acked, limit);
    if (tunnel_exists(frame->stream)) return channel == CHANNEL_STDOUT && tunnel_window(frame->stream, acked, limit);
    struct transfer *transfer = transfer_find(frame->stream);
    return !transfer || (channel == CHANNEL_CONTENT && transfer_window(transfer, acked, limit));
}

bool dispatch_frame(const struct frame *frame) {
    switch (frame->type) {
    case TYPE_REQUEST: request_handle(frame); return true;
    case TYPE_DATA:
    case TYPE_EOF: return dispatch_data(frame);
    case TYPE_MAIL: return dispatch_mail(frame);
    case TYPE_ZEROS: return dispatch_zeros(frame);
    default: return dispatch_window(frame);
    }
}
