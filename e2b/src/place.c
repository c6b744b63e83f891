#include "place.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int place_user(struct json request, struct place_user *user) {
    struct json field;
    if (!json_field(request, "user", &field)) return EINVAL;
    if (json_text(field, user->name, sizeof user->name) < 0) return EKEYREJECTED;
    const struct passwd *known = getpwnam(user->name);
    if (!known || strlen(known->pw_dir) >= sizeof user->home) return EKEYREJECTED;
    user->uid = known->pw_uid;
    user->gid = known->pw_gid;
    strcpy(user->home, known->pw_dir);
    return 0;
}

// Resolves `.`, `..` and double slashes in place.
static void clean(char *path) {
    size_t length = 0;
    for (const char *at = path; *at;) {
        while (*at == '/') at++;
        size_t size = strcspn(at, "/");
        if (size == 2 && at[0] == '.' && at[1] == '.') {
            while (length > 0 && path[--length] != '/') continue;
        } else if (size > 0 && !(size == 1 && at[0] == '.')) {
            path[length++] = '/';
            memmove(path + length, at, size);
            length += size;
        }
        at += size;
    }
    if (length == 0) path[length++] = '/';
    path[length] = '\0';
}

int place_path(struct json request, const char *name, const struct place_user *user, char out[PATH_MAX]) {
    static char given[PATH_MAX];
    struct json field;
    if (!json_field(request, name, &field)) return EINVAL;
    if (json_text(field, given, sizeof given) < 0) return EINVAL;
    const char *rest = given;
    bool is_home = given[0] == '~' && (given[1] == '\0' || given[1] == '/');
    if (is_home) rest++;
    int length = given[0] == '/' ? snprintf(out, PATH_MAX, "%s", given)
                                 : snprintf(out, PATH_MAX, "/%s/%s", user->home, rest);
    if (length >= PATH_MAX) return ENAMETOOLONG;
    clean(out);
    return 0;
}

int place_make_parents(const char *path, const struct place_user *user, bool whole) {
    char part[PATH_MAX];
    for (const char *at = path + 1; *at;) {
        const char *end = at + strcspn(at, "/");
        if (*end == '\0' && !whole) return 0;
        size_t length = (size_t)(end - path);
        memcpy(part, path, length);
        part[length] = '\0';
        struct stat known;
        if (stat(part, &known) == 0) {
            if (!S_ISDIR(known.st_mode)) return ENOTDIR;
        } else if (mkdir(part, 0755) != 0 || chown(part, user->uid, user->gid) != 0) {
            return errno;
        }
        at = *end ? end + 1 : end;
    }
    return 0;
}
