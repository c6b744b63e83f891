// The two ways to connect to an agent that is a plain process.
#ifndef LISTEN_H
#define LISTEN_H

// Binds a unix socket (mode 0600) and serves one peer at a time; the newest replaces the one before.
void listen_open(const char *path);

// Serves a socket that is connected already.
void listen_adopt(int fd);

#endif
