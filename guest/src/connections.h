#ifndef CONNECTIONS_H
#define CONNECTIONS_H

// Ends every TCP connection that leaves the VM, since its other end belongs to the VM that this one was copied from. A process that reads
// from such a connection gets ECONNABORTED.
void connections_end(void);

#endif
