// The seccomp filter and the limit that a plain process sets for itself and all its commands.
#ifndef CONFINE_H
#define CONFINE_H

// Reads a classic BPF program from a descriptor, to its end, and loads it. Ends the agent when that fails.
void confine_load(int fd);

// Limits the processes of the user in its namespace. Ends the agent when that fails.
void confine_processes(unsigned long most);

#endif
