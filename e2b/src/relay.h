// Joins standard input and output with a server of this guest.
#ifndef RELAY_H
#define RELAY_H

// Returns when the server has ended its direction: an exit status, 1 when nothing listens.
int relay(const char *port);

#endif
