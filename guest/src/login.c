#include "login.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX_BYTES = 16384 };

// `watched` are the files that are checked for changes, `profiles` those that a command reads.
static const char *const watched[] = {"/etc/profile", "/etc/profile.d", "/root/.profile"};
enum { WATCHED = sizeof watched / sizeof *watched, OF_SYSTEM = 2 };
static const char *const profiles[] = {"/etc/profile", "/root/.profile"};
enum { PROFILES = sizeof profiles / sizeof *profiles };

struct look {
    struct timespec changed;
    off_t size;
};

static bool is_open;
static struct look first[WATCHED];

static struct look look_at(const char *path) {
    struct stat stat_;
    if (stat(path, &stat_) < 0) return (struct look){.size = -1};
    return (struct look){stat_.st_mtim, stat_.st_size};
}

static bool is_same(struct look a, struct look b) {
    return a.size == b.size && a.changed.tv_sec == b.changed.tv_sec && a.changed.tv_nsec == b.changed.tv_nsec;
}

void login_open(void) {
    for (int i = 0; i < WATCHED; i++) first[i] = look_at(watched[i]);
    is_open = true;
}

// The system's profile may set variables that root's profile changes, so root's is read after it.
const char *const *login_changed(size_t *count) {
    int changed = 0;
    while (changed < WATCHED && is_same(first[changed], look_at(watched[changed]))) changed++;
    int from = changed < OF_SYSTEM ? 0 : PROFILES - 1;
    *count = is_open && changed < WATCHED ? (size_t)(PROFILES - from) : 0;
    return profiles + from;
}

// A file that is not regular might make us wait.
static size_t read_text(const char *path, char *text, size_t size) {
    struct stat stat_;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = fstat(fd, &stat_) == 0 && S_ISREG(stat_.st_mode) ? read(fd, text, size) : 0;
    close(fd);
    return length < 0 ? 0 : (size_t)length;
}

static bool is_name(const char *text, size_t length) {
    if (length == 0 || isdigit((unsigned char)*text)) return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_') return false;
    return true;
}

// `NAME=value`, `export NAME="value"`, as pam_env reads them: nothing in a value is expanded. NULL when it is not an assignment.
static char *parse_line(char *line) {
    line += strspn(line, " \t");
    if (strncmp(line, "export ", 7) == 0) line += 7 + strspn(line + 7, " \t");
    size_t name = strcspn(line, "="), end = strlen(line);
    if (!line[name] || !is_name(line, name)) return NULL;
    while (isspace((unsigned char)line[end - 1])) end--;
    line[end] = '\0';
    char *value = line + name + 1;
    size_t length = strlen(value);
    if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
        memmove(value, value + 1, length - 2);
        value[length - 2] = '\0';
    }
    return line;
}

size_t login_read(const char **assignments) {
    static char text[ENVIRONMENT_MAX_BYTES + 1];
    size_t count = 0, length = is_open ? read_text("/etc/environment", text, ENVIRONMENT_MAX_BYTES) : 0;
    text[length] = '\0';
    for (char *line = text, *end; *line && count < LOGIN_VARIABLES_MAX; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = '\0';
        char *assignment = parse_line(line);
        if (assignment) assignments[count++] = assignment;
    }
    return count;
}
