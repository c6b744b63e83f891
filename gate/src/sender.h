// Sends whole packets into the VM's namespace: to the guest, or to the listener that stands for the world.
#ifndef SENDER_H
#define SENDER_H

#include "inside.h"

void sender_open(const struct inside *inside);
void sender_send(const uint8_t *packet, size_t length, const struct address *to);

#endif
