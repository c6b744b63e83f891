// Waiting for hardware while booting.
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <stdint.h>

uint64_t wait_deadline(void);
// False once the deadline has passed.
bool wait_a_little(uint64_t deadline);

#endif
