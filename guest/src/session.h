// The session with the host: sync, the output queue, and the dispatch of received frames.
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "inlet.h"

// Starts a session on `fd` (non-blocking, -1 for none) and ends the previous one.
void session_attach(int fd, bool is_port);
int session_fd(void);

// Handles events of the session's descriptor, given as epoll's flags.
void session_ready(uint32_t events);

// True when input was left unread, to give others a turn.
bool session_has_more(void);
bool session_is_flushed(void);

// Queues a frame of control (response, hello, exit).
void session_send(uint8_t type, uint32_t stream, const char *payload, size_t length);
void session_send_window(uint32_t stream, uint8_t channel, struct inlet *inlet);
bool session_is_active(void);

// Writes the queue, as far as the windows allow.
void session_flush(void);

// For memory that lives only while one event is handled.
extern uint8_t session_scratch[PAYLOAD_MAX_BYTES];

#endif
