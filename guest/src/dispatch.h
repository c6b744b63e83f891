// Hands one frame of the host to the request, job or transfer that it names.
#ifndef DISPATCH_H
#define DISPATCH_H

#include <stdbool.h>

#include "frame.h"

// False when the frame is broken.
bool dispatch_frame(const struct frame *frame);

#endif
