// Hashing gives the same digest however the bytes are cut. The table of digests finds each kept digest, unless it was cleared.
#include <stdlib.h>
#include <string.h>

#include "digests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static void hash(const uint8_t *data, size_t size, size_t step, uint8_t digest[SHA256_BYTES]) {
    struct sha256 sha;
    sha256_begin(&sha);
    for (size_t at = 0; at < size; at += step) {
        size_t count = step < size - at ? step : size - at;
        uint8_t *exact = malloc(count);
        memcpy(exact, data + at, count);
        sha256_add(&sha, exact, count);
        free(exact);
    }
    sha256_end(&sha, digest);
}

enum { NAMES = 16 };

// Each byte keeps a digest for one of a few files, with a size and an age; each file is then looked for as it was and as it is not.
static void use_table(const uint8_t *data, size_t size, const uint8_t digest[SHA256_BYTES]) {
    struct stat last[NAMES] = {0};
    struct timespec since = {.tv_sec = 1000};
    for (size_t at = 0; at < size; at++) {
        struct stat file = {.st_dev = 7, .st_ino = 1 + data[at] % NAMES, .st_size = data[at]};
        file.st_ctim.tv_sec = data[at] & 128 ? 1000 : 900;
        uint8_t found[SHA256_BYTES];
        digests_keep(&file, digest, since);
        if (file.st_ctim.tv_sec == 900) last[file.st_ino - 1] = file;
        struct stat *kept = &last[data[at] % NAMES];
        if (!kept->st_ino) continue;
        require(digests_find(kept, found) && memcmp(found, digest, SHA256_BYTES) == 0);
        kept->st_ctim.tv_nsec++;
        require(!digests_find(kept, found));
        kept->st_ctim.tv_nsec--;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t whole[SHA256_BYTES], cut[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    hash(data, size, size ? size : 1, whole);
    hash(data, size, size > 2048 ? 127 : 1, cut);
    require(memcmp(whole, cut, sizeof whole) == 0);
    sha256_hex(whole, text);
    require(strlen(text) == 2 * SHA256_BYTES);
    use_table(data, size < 512 ? size : 512, whole);
    return 0;
}
