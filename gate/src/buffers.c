#include "buffers.h"

#include <sys/socket.h>

int buffers_for(int others) {
    if (others < BUFFERS_FREE) return 0;
    return others < BUFFERS_ROOMY ? BUFFERS_ROOMY_BYTES : BUFFERS_NARROW_BYTES;
}

void buffers_bound(int fd, int bytes) {
    if (bytes == 0) return;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}
