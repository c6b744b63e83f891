// Socket buffer sizes by the number of connections. They bound the kernel's memory for connections that are not read.
#ifndef BUFFERS_H
#define BUFFERS_H

enum {
    BUFFERS_FREE = 8,             // the first connections have the kernel's default size
    BUFFERS_ROOMY = 64,           // the next ones, up to this number, have BUFFERS_ROOMY_BYTES
    BUFFERS_ROOMY_BYTES = 131072, // for a socket in each direction; the kernel doubles it for its own use
    BUFFERS_NARROW_BYTES = 32768, // all later ones
};

// The buffer size for both sockets of a new connection, by the number of existing ones. 0 for the kernel's default.
int buffers_for(int others);

void buffers_bound(int fd, int bytes);

#endif
