// Counts failed expectations.
#ifndef EXPECT_H
#define EXPECT_H

#include <stdbool.h>
#include <stdio.h>

static int failures;

static inline void expect(bool is_right, const char *what, const char *of) {
    if (is_right) return;
    failures++;
    printf("not so: %s %s\n", what, of);
}

static inline int expect_end(const char *of) {
    printf("gate: %s: %s\n", of, failures == 0 ? "all as it should be" : "FAILED");
    return failures != 0;
}

#endif
