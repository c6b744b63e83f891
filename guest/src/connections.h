#ifndef CONNECTIONS_H
#define CONNECTIONS_H

// Ends every TCP connection that leaves the VM: its other end talks to another VM. A process that reads from one gets ECONNABORTED.
void connections_end(void);

#endif
