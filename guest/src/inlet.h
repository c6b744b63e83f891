// The receiving end of a channel: received, acknowledged and granted bytes.
#ifndef INLET_H
#define INLET_H

#include <stdbool.h>
#include <stdint.h>

struct inlet {
    uint64_t acked;
    uint64_t received;
    uint64_t limit;
    uint64_t grant; // bytes beyond `acked` that a window allows
    bool has_eof;
    bool is_granted; // in this session
    bool owes_window;
};

// False when the bytes overlap, leave a gap, pass the limit or come after eof.
bool inlet_receive(struct inlet *inlet, uint64_t offset, uint64_t count);
bool inlet_receive_eof(struct inlet *inlet, uint64_t offset);

// Starts a session for this channel; forgets bytes that were received and not acknowledged.
void inlet_reset(struct inlet *inlet);
// Grants the first window of a session. `grant` is the number of bytes that each window allows.
void inlet_grant(struct inlet *inlet, uint64_t grant);

// Acknowledges up to `offset`. A window becomes due when all bytes are acknowledged, or enough for a frame.
void inlet_acknowledge(struct inlet *inlet, uint64_t offset);

// Acknowledges all received bytes, for a channel that buffers nothing. A window becomes due when they are enough for a frame.
void inlet_use_up(struct inlet *inlet);

#endif
