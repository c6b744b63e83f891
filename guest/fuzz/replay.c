// Runs a fuzz target on files and on mutations of them, always the same ones; needs no clang.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 70000, MUTATIONS_PER_FILE = 400 };

static uint32_t state = 1;

static uint32_t draw(uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return bound ? (state >> 8) % bound : 0;
}

static void mutate(uint8_t *bytes, size_t *count) {
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0x89, 0xff, '"', '\\', '{', '}', '[', ']', ',', ':', 'u', '/', '.'};
    uint32_t at = draw((uint32_t)*count);
    switch (draw(4)) {
    case 0: *count = at; break;
    case 1: bytes[at] = telling[draw(sizeof telling)]; break;
    case 2: bytes[at] ^= (uint8_t)(1u << draw(8)); break;
    default:
        memmove(bytes + at, bytes + draw((uint32_t)*count), *count - at - draw((uint32_t)(*count - at)));
    }
}

static int replay(const char *path) {
    static uint8_t bytes[INPUT_MAX_BYTES], changed[2 * INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    for (int i = 0; i < MUTATIONS_PER_FILE; i++) {
        size_t count = size;
        memcpy(changed, bytes, size);
        for (uint32_t edits = draw(6) + 1; edits > 0 && count > 0; edits--) mutate(changed, &count);
        LLVMFuzzerTestOneInput(changed, count);
    }
    return MUTATIONS_PER_FILE + 1;
}

int main(int argc, char **argv) {
    int runs = 0;
    for (int i = 1; i < argc; i++) runs += replay(argv[i]);
    printf("%s: %d inputs\n", argv[0], runs);
    return runs == 0;
}
