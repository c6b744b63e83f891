// A seccomp filter that a plain process loads for itself and all its commands.
#ifndef CONFINE_H
#define CONFINE_H

// Reads a classic BPF program from a descriptor, to its end, and loads it. Ends the agent when that fails.
void confine_load(int fd);

#endif
