// The first bytes of a connection: the result does not depend on how they are cut, and bytes that pass have named an allowed name.
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

// Feeds the bytes in pieces of `step`, as the gate does. Returns how many passed, or -1 when they are refused.
static ssize_t run(const uint8_t *data, size_t size, size_t step) {
    struct inspection inspection = {0};
    size_t done = 0;
    for (size_t seen = 0; seen < size;) {
        seen += step < size - seen ? step : size - seen;
        uint8_t *exact = malloc(seen - done ? seen - done : 1); // so that the sanitizer sees one byte too many
        memcpy(exact, data + done, seen - done);
        ssize_t passed = inspect(&inspection, exact, seen - done);
        free(exact);
        if (passed < 0) return -1;
        require((size_t)passed <= seen - done && (passed == 0 || names_is_allowed(inspection.name)));
        done += (size_t)passed;
    }
    return (ssize_t)done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!names_are_required()) names_allow("example.org");
    if (size > 20000) return 0;
    ssize_t whole = run(data, size, size ? size : 1);
    require(whole == run(data, size, size > 1024 ? 61 : 1));
    require(whole == run(data, size, 7));
    return 0;
}
