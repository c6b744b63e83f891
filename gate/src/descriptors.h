// Descriptors sent from one process to another over a socket.
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stdbool.h>

// A descriptor of -1 stays -1.
void descriptors_send(int socket, const int *fds, int count);
bool descriptors_receive(int socket, int *fds, int count);

#endif
