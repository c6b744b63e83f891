#include "errno_names.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#define NAME(error) {error, #error}

static const struct {
    int error;
    const char *name;
} names[] = {
    NAME(E2BIG),   NAME(EACCES),  NAME(EAGAIN),  NAME(EBADF),        NAME(EBUSY),   NAME(ECHILD), NAME(EDQUOT),
    NAME(EEXIST),  NAME(EFAULT),  NAME(EFBIG),   NAME(EINTR),        NAME(EINVAL),  NAME(EIO),    NAME(EISDIR),
    NAME(ELOOP),   NAME(EMFILE),  NAME(EMLINK),  NAME(ENAMETOOLONG), NAME(ENFILE),  NAME(ENODEV), NAME(ENOENT),
    NAME(ENOEXEC), NAME(ENOMEM),  NAME(ENOSPC),  NAME(ENOSYS),       NAME(ENOTDIR), NAME(ENXIO),  NAME(ENOTEMPTY),
    NAME(ENOTTY),  NAME(EPERM),   NAME(EPIPE),   NAME(EROFS),        NAME(ESPIPE),  NAME(ESRCH),  NAME(ESTALE),
    NAME(ETXTBSY), NAME(EXDEV),   NAME(EOPNOTSUPP), NAME(EOVERFLOW), NAME(ELIBBAD), NAME(ENOTBLK),
    NAME(ECONNREFUSED), NAME(ECONNRESET), NAME(ETIMEDOUT),
};

const char *errno_name(int error, char room[ERRNO_NAME_BYTES]) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error) return names[i].name;
    snprintf(room, ERRNO_NAME_BYTES, "E%d", error);
    return room;
}
