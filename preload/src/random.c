// A QEMU that continues a checkpoint has the memory of the one that was written, with the state of its random number generators. Random
// numbers for a guest come from the kernel instead: QEMU takes them from GnuTLS or Libgcrypt where its build has one of them.
#include "ram.h"

static bool fill(char *to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        long got = call(SYS_getrandom, (long)to + (long)done, (long)(bytes - done), 0, 0, 0, 0);
        if (got == -EINTR) continue;
        if (got < 0) return false;
        done += (size_t)got;
    }
    return true;
}

int gnutls_rnd(int level, void *to, size_t bytes);
void gcry_randomize(void *to, size_t bytes, int level);

// As GnuTLS has it: zero for success.
int gnutls_rnd(int level, void *to, size_t bytes) {
    (void)level;
    return fill(to, bytes) ? 0 : -1;
}

// As Libgcrypt has it: without a result, so a failure ends the program.
void gcry_randomize(void *to, size_t bytes, int level) {
    (void)level;
    if (!fill(to, bytes)) __builtin_trap();
}
