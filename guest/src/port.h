// The virtio-serial port on which the host is.
#ifndef PORT_H
#define PORT_H

// Waits for it to appear.
int port_open(void);

#endif
