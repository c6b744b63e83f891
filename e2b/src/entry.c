#include "entry.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "reply.h"

enum { NAMES_MAX = 8192, VALUE_MAX = 4096 };

static const char prefix[] = "user.e2b.";

static void add_metadata(struct json_out *out, const char *path) {
    static char names[NAMES_MAX], value[VALUE_MAX + 1];
    ssize_t length = llistxattr(path, names, sizeof names);
    bool any = false;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        const char *name = names + at;
        if (strncmp(name, prefix, sizeof prefix - 1) != 0) continue;
        ssize_t size = lgetxattr(path, name, value, VALUE_MAX);
        if (size < 0) continue;
        value[size] = '\0';
        if (!any) json_out_open(out, "metadata", '{');
        any = true;
        json_out_text(out, name + sizeof prefix - 1, value);
    }
    if (any) json_out_close(out, '}');
}

// The last names that were asked for: a directory's entries mostly have one owner.
static const char *owner_of(uid_t uid) {
    static char name[128];
    static uid_t last = (uid_t)-1;
    if (uid == last) return name;
    const struct passwd *known = getpwuid(uid);
    if (known) snprintf(name, sizeof name, "%s", known->pw_name);
    else snprintf(name, sizeof name, "%u", uid);
    last = uid;
    return name;
}

static const char *group_of(gid_t gid) {
    static char name[128];
    static gid_t last = (gid_t)-1;
    if (gid == last) return name;
    const struct group *known = getgrgid(gid);
    if (known) snprintf(name, sizeof name, "%s", known->gr_name);
    else snprintf(name, sizeof name, "%u", gid);
    last = gid;
    return name;
}

int entry_add(struct json_out *out, const char *path) {
    struct stat own, target;
    if (lstat(path, &own) != 0) return errno;
    json_out_open(out, "entry", '{');
    json_out_text(out, "path", path);
    json_out_integer(out, "mode", own.st_mode);
    json_out_integer(out, "size", own.st_size);
    json_out_integer(out, "mtime_s", own.st_mtim.tv_sec);
    json_out_integer(out, "mtime_ns", own.st_mtim.tv_nsec);
    json_out_text(out, "owner", owner_of(own.st_uid));
    json_out_text(out, "group", group_of(own.st_gid));
    if (S_ISLNK(own.st_mode)) {
        char resolved[PATH_MAX];
        if (realpath(path, resolved)) json_out_text(out, "target", resolved);
        if (stat(path, &target) == 0) json_out_integer(out, "target_mode", target.st_mode);
    }
    add_metadata(out, path);
    json_out_close(out, '}');
    return 0;
}

void entry_reply(int64_t id, const char *path) {
    struct json_out out = reply_begin(id);
    int error = entry_add(&out, path);
    if (error) return reply_failed(id, error, NULL);
    reply_send(&out);
    reply_done(id);
}
