// Descriptors handed from one process to another.
#ifndef PASS_H
#define PASS_H

#include <stdbool.h>

// Those that are -1 stay so.
void pass_send(int socket, const int *fds, int count);
bool pass_receive(int socket, int *fds, int count);

#endif
