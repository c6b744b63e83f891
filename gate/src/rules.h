// The packet rules of a VM's namespace.
#ifndef RULES_H
#define RULES_H

#include "options.h"

// Loads them with nft into the caller's namespace. Ends the process when that fails.
void rules_load(const struct options *options, int port, int mark);

#endif
