// The sending end of a channel: bytes not yet acknowledged and the windows that govern them.
#ifndef OUTLET_H
#define OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "ring.h"

struct outlet {
    struct ring ring;    // base: acknowledged; head: all that was produced
    uint64_t end;        // the channel's last offset, once `has_end`
    uint64_t next;       // where this session continues
    uint64_t limit;      // how far this session may go
    uint64_t sent;       // the largest offset that any session has sent
    uint32_t stream;
    uint8_t channel;
    bool has_end;
    bool takes_mail; // its host may be sent mail, by the kind of its stream
    bool is_mailed;  // the host of this session has granted so much that it reads mail
    bool is_open;        // a window came in this session
    bool sent_eof;
    struct outlet *following; // in the list of all outlets
};

void outlet_add(struct outlet *outlet, uint32_t stream, uint8_t channel);
void outlet_remove(struct outlet *outlet);
void outlet_end(struct outlet *outlet, uint64_t end);

// Bytes that may still be produced.
size_t outlet_room(const struct outlet *outlet);

// Begins a new session: the outlet sends nothing until the host's first window.
void outlet_close(struct outlet *outlet);

// False when the window breaks the rules of the protocol's §4.
bool outlet_window(struct outlet *outlet, uint64_t acked, uint64_t limit);

// Gives every outlet that may send its turn; returns the bytes written.
size_t outlet_emit_turns(const struct frame_parser *parser, uint8_t *out, size_t room);

#endif
