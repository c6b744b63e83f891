// Paths of requests to the gateway's program: a path is absolute and has no empty, `.` and `..` parts.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static void check(const char *path) {
    require(path[0] == '/' && strlen(path) < PATH_MAX);
    if (path[1] == '\0') return;
    for (const char *at = path; *at; at += strcspn(at, "/")) {
        size_t size = strcspn(++at, "/");
        require(size > 0 && !(size == 1 && at[0] == '.') && !(size == 2 && at[0] == '.' && at[1] == '.'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct place_user homes[] = {{.name = "user", .home = "/home/user"}, {.name = "root", .home = "/"}};
    struct place_user user;
    struct json request;
    char path[PATH_MAX];
    char *exact = malloc(size ? size : 1); // so that the sanitizer sees one byte too many
    memcpy(exact, data, size);
    if (json_parse(exact, size, &request)) {
        if (place_user(request, &user) == 0) require(strlen(user.home) < sizeof user.home);
        for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
            if (place_path(request, "path", &homes[i], path) == 0) check(path);
    }
    free(exact);
    return 0;
}
