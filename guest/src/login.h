// The variables of a login: those of /etc/environment, and those of changed login files.
#ifndef LOGIN_H
#define LOGIN_H

#include <stddef.h>

enum { LOGIN_VARIABLES_MAX = 128 };

// Records the state of the login files: while they are unchanged, the defaults of a command equal their variables.
void login_open(void);

// The login files that a command must read, in this order: those of the changed file and later ones. None while no file has changed.
const char *const *login_changed(size_t *count);

// Reads /etc/environment into `assignments`, which has room for LOGIN_VARIABLES_MAX; gives how many there are.
// They are valid until the next call.
size_t login_read(const char **assignments);

#endif
