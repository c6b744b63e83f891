// TCP: a guest's attempt is answered only once the host has reached its destination, then both ends are joined.
#ifndef TCP_H
#define TCP_H

#include "inside.h"

void tcp_open(const struct inside *inside, const struct options *options);

// Called after the rules have changed: ends the connections that they do not leave open.
void tcp_judge_all(void);

#endif
