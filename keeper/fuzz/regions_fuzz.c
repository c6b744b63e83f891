// The mappings of a QEMU that its guest has taken over: what is found is all of the memory, from its beginning to its end, each part at its place.
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LISTS = 2, PAGE = 4096 };

static jmp_buf failed;
static void *lists[LISTS];

static void require(int holds) {
    if (!holds) abort();
}

_Noreturn void fail(const char *what) {
    (void)what;
    longjmp(failed, 1);
}

// The program ends when it fails, and frees nothing before.
static void **find(void *list) {
    size_t at = 0;
    while (at < LISTS && lists[at] != list) at++;
    require(at < LISTS);
    return &lists[at];
}

static void *kept_realloc(void *list, size_t size) {
    void **place = find(list);
    return *place = realloc(list, size);
}

static void kept_free(void *list) {
    if (list) *find(list) = NULL;
    free(list);
}

#define realloc kept_realloc
#define free kept_free
#include "pages_regions.c"

static void check(FILE *maps, uint64_t memory_bytes) {
    struct regions regions = regions_read(maps, memory_bytes);
    uint64_t whole = 0;
    for (size_t i = 0; i < regions.count; i++) {
        struct region each = regions.list[i];
        require(each.offset == whole && each.bytes <= memory_bytes - whole);
        require(each.address - each.offset == regions.list[0].address);
        whole += each.bytes;
    }
    require(whole == memory_bytes);
}

// The first byte is the size of the memory, in pages.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    FILE *maps = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
    require(maps != NULL);
    if (setjmp(failed) == 0) check(maps, (uint64_t)data[0] * PAGE);
    fclose(maps);
    for (size_t at = 0; at < LISTS; at++) kept_free(lists[at]);
    return 0;
}
