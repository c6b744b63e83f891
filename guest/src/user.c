#include "user.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reply.h"

enum { NAME_BYTES = 128, LINE_BYTES = 4096, FILE_MAX_BYTES = 1048576, FIELDS = 4 };

const struct user user_own = {.is_other = false};
static struct user acting;

const struct user *user_acting(void) { return &acting; }

static bool has_become(const struct user *user) { return setfsuid((uid_t)-1) == (int)user->uid && setfsgid((gid_t)-1) == (int)user->gid; }

// The groups come first, since an ordinary user may not set them.
void user_become(const struct user *user) {
    if (!user->is_other && !acting.is_other) return;
    setfsuid(geteuid());
    setgroups((size_t)user->group_count, user->groups);
    setfsgid(user->is_other ? user->gid : getegid());
    setfsuid(user->is_other ? user->uid : geteuid());
    acting = *user;
}

// The lines of /etc/passwd or /etc/group. Users of the guest may have written anything into them.
static FILE *open_list(const char *path) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool is_good = fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size <= FILE_MAX_BYTES;
    FILE *list = is_good ? fdopen(fd, "r") : NULL;
    if (!list && fd >= 0) close(fd);
    return list;
}

static bool read_number(const char *text, uint32_t *number) {
    char *end;
    errno = 0;
    unsigned long long value = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : UINT32_MAX;
    if (value >= UINT32_MAX || errno || *end) return false;
    *number = (uint32_t)value;
    return true;
}

// Splits a line at its colons; the last field has the rest. False for one with too few.
static bool split(char *line, char *fields[FIELDS]) {
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = line;
        char *colon = i == FIELDS - 1 ? NULL : strchr(line, ':');
        if (!colon) return i == FIELDS - 1;
        *colon = '\0';
        line = colon + 1;
    }
    return true;
}

// The next line whose name or number is `wanted`; any line when that is NULL.
static bool next_line(FILE *list, const char *wanted, char line[LINE_BYTES], char *fields[FIELDS]) {
    while (fgets(line, LINE_BYTES, list))
        if (split(line, fields) && (!wanted || strcmp(fields[0], wanted) == 0 || strcmp(fields[2], wanted) == 0)) return true;
    return false;
}

static bool find(const char *path, const char *wanted, char line[LINE_BYTES], char *fields[FIELDS]) {
    FILE *list = open_list(path);
    bool is_found = list && next_line(list, wanted, line, fields);
    if (list) fclose(list);
    return is_found;
}

static bool find_user(const char *wanted, struct user *user, char name[NAME_BYTES]) {
    char line[LINE_BYTES], *fields[FIELDS];
    *name = '\0';
    if (!find("/etc/passwd", wanted, line, fields)) {
        // A number needs no name; its group has the same number.
        if (!read_number(wanted, &user->uid)) return false;
        user->gid = user->uid;
        return true;
    }
    snprintf(name, NAME_BYTES, "%s", fields[0]);
    fields[3][strcspn(fields[3], ":")] = '\0';
    return read_number(fields[2], &user->uid) && read_number(fields[3], &user->gid);
}

static bool find_group(const char *wanted, gid_t *gid) {
    char line[LINE_BYTES], *fields[FIELDS];
    return find("/etc/group", wanted, line, fields) ? read_number(fields[2], gid) : read_number(wanted, gid);
}

static bool lists(const char *members, const char *name) {
    for (size_t length = strlen(name); *members; members += *members == ',') {
        size_t member = strcspn(members, ",");
        if (member == length && strncmp(members, name, length) == 0) return true;
        members += member;
    }
    return false;
}

static void find_groups(struct user *user, const char *name) {
    char line[LINE_BYTES], *fields[FIELDS];
    FILE *list = *name ? open_list("/etc/group") : NULL;
    while (list && user->group_count < USER_GROUPS_MAX && next_line(list, NULL, line, fields))
        if (lists(fields[3], name) && read_number(fields[2], &user->groups[user->group_count])) user->group_count++;
    if (list) fclose(list);
}

static bool find_all(char *wanted, struct user *user) {
    char name[NAME_BYTES], *group = strchr(wanted, ':');
    if (group) *group++ = '\0';
    if (!find_user(wanted, user, name)) return false;
    if (group) return find_group(group, &user->gid);
    find_groups(user, name);
    return true;
}

void user_find_account(uid_t uid, struct account *account) {
    char line[LINE_BYTES], *fields[FIELDS], *rest[3] = {"", "", ""};
    snprintf(account->name, sizeof account->name, "%u", uid);
    bool is_found = find("/etc/passwd", account->name, line, fields);
    // Behind the group: the comment, the home and the shell.
    char *at = is_found ? strchr(fields[3], ':') : NULL;
    for (int i = 0; at && i < 3; i++) {
        *at++ = '\0';
        rest[i] = at;
        at = strchr(at, ':');
    }
    if (is_found) snprintf(account->name, sizeof account->name, "%s", fields[0]);
    snprintf(account->home, sizeof account->home, "%s", *rest[1] == '/' ? rest[1] : "/");
    snprintf(account->shell, sizeof account->shell, "%s", *rest[2] == '/' ? rest[2] : "/bin/sh");
}

static bool can_become(const struct user *user) {
    if (!user->is_other) return true;
    user_become(user);
    bool is_good = has_become(user);
    user_become(&user_own);
    return is_good;
}

bool user_is_able(void) {
    static const struct user nobody = {.is_other = true, .uid = 65534, .gid = 65534};
    return geteuid() == 0 && can_become(&nobody);
}

bool user_read(uint32_t stream, struct json request, struct user *user) {
    struct json value;
    char wanted[NAME_BYTES];
    *user = user_own;
    if (!json_field(request, "user", &value)) return true;
    bool is_found = json_text(value, wanted, sizeof wanted) > 0 && find_all(wanted, user);
    user->is_other = is_found && (user->uid != geteuid() || user->gid != getegid() || user->group_count > 0);
    if (is_found && can_become(user)) return true;
    if (is_found)
        reply_error(stream, "IO", EPERM, NULL, "the agent cannot act as another user");
    else
        reply_error(stream, "NO_SUCH_USER", 0, NULL, "the guest has no such user or group");
    return false;
}
