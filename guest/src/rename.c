#include "rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fields.h"
#include "locate.h"
#include "reply.h"
#include "swap.h"

static void refuse(uint32_t stream, const char *path, const char *message) { reply_error(stream, "IO", errno, path, message); }

// False with errno; EEXIST when something else has the name.
static bool make_directory(const struct located *place, mode_t mode, bool *is_new) {
    struct stat there;
    *is_new = mkdirat(place->folder, place->name, 0700) == 0;
    if (*is_new) return fchmodat(place->folder, place->name, mode, 0) == 0;
    if (errno != EEXIST) return false;
    bool is_directory = fstatat(place->folder, place->name, &there, 0) == 0 && S_ISDIR(there.st_mode);
    errno = EEXIST;
    return is_directory;
}

void mkdir_answer(uint32_t stream, struct json request) {
    char path[PATH_MAX];
    int64_t mode = 0755;
    struct located place;
    bool is_new = false;
    if (!fields_path(stream, request, "path", path) || !fields_integer(stream, request, "mode", 0777, &mode)) return;
    bool is_found = locate(path, LOCATE_MAKES, &place);
    bool is_root = !is_found && errno == EBUSY;
    bool is_made = is_root || (is_found && make_directory(&place, (mode_t)mode, &is_new));
    int error = errno;
    if (is_found) close(place.folder);
    errno = error;
    if (!is_made) return refuse(stream, path, "the directory was not made");
    struct json_out *out = reply_begin();
    json_out_bool(out, "created", is_new);
    reply_send(stream);
}

static bool rename_between(const char *from, const char *to, bool replaces) {
    struct located source, target;
    if (!locate(from, 0, &source)) return false;
    bool is_found = locate(to, 0, &target);
    bool is_done = is_found && (replaces ? renameat(source.folder, source.name, target.folder, target.name) == 0
                                         : swap_rename(source.folder, source.name, target.folder, target.name));
    int error = errno;
    close(source.folder);
    if (is_found) close(target.folder);
    errno = error;
    return is_done;
}

void rename_answer(uint32_t stream, struct json request) {
    char from[PATH_MAX], to[PATH_MAX];
    bool replaces = false;
    if (!fields_path(stream, request, "path", from) || !fields_path(stream, request, "to", to) ||
        !fields_bool(stream, request, "replace", &replaces))
        return;
    if (!rename_between(from, to, replaces)) return refuse(stream, from, "the name was not changed");
    reply_empty(stream);
}
