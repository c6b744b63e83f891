// Connections to ports of the guest's own loopback, made for the host. They live within one session.
#ifndef TUNNEL_H
#define TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

// Connects; the answer comes when both directions have ended, or when the connection fails.
void tunnel_start(uint32_t stream, struct json request);
bool tunnel_exists(uint32_t stream);
// Closes it and answers CANCELLED; false when there is none.
bool tunnel_cancel(uint32_t stream);

// Handle frames of the host. False when the frame is broken.
bool tunnel_data(uint32_t stream, uint64_t offset, const uint8_t *bytes, size_t count);
bool tunnel_eof(uint32_t stream, uint64_t offset);
bool tunnel_window(uint32_t stream, uint64_t acked, uint64_t limit);

void tunnel_ready(uint32_t stream, uint32_t events);
// Sends windows and answers that are due.
void tunnels_send_due(void);
// Closes all of them.
void tunnels_end(void);

#endif
