// The virtio-serial port that leads to the host.
#ifndef PORT_H
#define PORT_H

// Waits for it to appear.
int port_open(void);

#endif
