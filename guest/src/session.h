// The conversation with the host: sync, the queue of what goes out, and frames handed to whom they concern.
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "inlet.h"

// Speaks on `fd` from now on (non-blocking, -1 for none); what was going on before is over.
void session_attach(int fd, bool is_port);
int session_fd(void);

// The stream has something to say, in epoll's words.
void session_ready(uint32_t events);

// Input was left unread to give others a turn.
bool session_has_more(void);
bool session_is_flushed(void);

// Queues a frame of control (response, hello, exit).
void session_send(uint8_t type, uint32_t stream, const char *payload, size_t length);
void session_send_window(uint32_t stream, uint8_t channel, struct inlet *inlet);
bool session_is_active(void);

// Writes what is queued and what the windows allow.
void session_flush(void);

// For memory that lives only while one event is handled.
extern uint8_t session_scratch[PAYLOAD_MAX_BYTES];

#endif
