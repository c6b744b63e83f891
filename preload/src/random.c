// A QEMU that continues a checkpoint has the memory of the one that was written, with the state of its random number generators. Random
// numbers for a guest come from the kernel instead: QEMU takes them from GnuTLS where its build has that.
#include "ram.h"

int gnutls_rnd(int level, void *to, size_t bytes);

// As GnuTLS has it: zero for success.
int gnutls_rnd(int level, void *to, size_t bytes) {
    (void)level;
    for (size_t done = 0; done < bytes;) {
        long got = call(SYS_getrandom, (long)to + (long)done, (long)(bytes - done), 0, 0, 0, 0);
        if (got == -EINTR) continue;
        if (got < 0) return -1;
        done += (size_t)got;
    }
    return 0;
}
