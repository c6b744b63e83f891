// An errno's symbolic name, so that the host need not know the guest's numbers.
#ifndef ERRNO_NAMES_H
#define ERRNO_NAMES_H

enum { ERRNO_NAME_BYTES = 16 };

// `room` is used for a number that has no name here ("E123").
const char *errno_name(int error, char room[ERRNO_NAME_BYTES]);

#endif
