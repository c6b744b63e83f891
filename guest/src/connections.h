#ifndef CONNECTIONS_H
#define CONNECTIONS_H

// Ends every TCP connection that leaves the VM: its other end is another VM's. Who reads from one gets ECONNABORTED.
void connections_end(void);

#endif
