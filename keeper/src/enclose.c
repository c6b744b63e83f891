// pyro-enclose: bubblewrap's place where pyro runs in a container that may make no namespaces (docs/decisions/0065). It runs a program
// under a seccomp filter and, where the kernel has Landlock, with no file but the given ones. It shows them below /pyro, which is a link
// to /proc/self/cwd there: a directory of links, one for each file.
//
//   pyro-enclose DIRECTORY FILTER_FD STATUS_FD [--read|--write FROM INSIDE]... [--preload LIBRARY] -- PROGRAM [ARGUMENT]...
//
// As bubblewrap does, it reads the filter from one descriptor, reports its own process id on the other, and stays as the parent; when it
// is killed, the program is too. The exit status is the program's.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 125, NOT_RUN = 126, PATH_MAX_BYTES = 4096, FILTER_MAX = 4096 };

#define PREFIX "/pyro/"
#define ACCESS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
// The accesses that a rule for a file may name.
#define ACCESS_FILE (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "pyro-enclose: %s: %s\n", what, strerror(errno));
    _exit(FAILED);
}

static void join(char *path, const char *directory, const char *name) {
    if (snprintf(path, PATH_MAX_BYTES, "%s/%s", directory, name) < PATH_MAX_BYTES) return;
    errno = ENAMETOOLONG;
    fail(name);
}

static void replace_link(const char *from, const char *at) {
    if (unlink(at) < 0 && errno != ENOENT) fail(at);
    if (symlink(from, at) < 0) fail(at);
}

// Turns a link to a directory into a directory of links to its entries, so that one of them can be another file.
static void open_up(const char *at) {
    char target[PATH_MAX_BYTES], from[PATH_MAX_BYTES], to[PATH_MAX_BYTES];
    ssize_t size = readlink(at, target, sizeof target - 1);
    if (size < 0) return; // a directory already
    target[size] = '\0';
    if (unlink(at) < 0 || mkdir(at, 0700) < 0) fail(at);
    DIR *entries = opendir(target);
    if (!entries) fail(target);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        join(from, target, entry->d_name);
        join(to, at, entry->d_name);
        replace_link(from, to);
    }
    closedir(entries);
}

// Shows a file at a path below /pyro.
static void show(const char *directory, const char *from, const char *inside) {
    char at[PATH_MAX_BYTES];
    if (strncmp(inside, PREFIX, strlen(PREFIX)) != 0) return; // a device, which has its own path
    join(at, directory, inside + strlen(PREFIX));
    for (char *slash = at + strlen(directory) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        open_up(at);
        if (mkdir(at, 0700) < 0 && errno != EEXIST) fail(at);
        *slash = '/';
    }
    replace_link(from, at);
}

static void allow(int rules, const char *path, uint64_t access) {
    struct stat stat;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return;
    if (fd < 0 || fstat(fd, &stat) < 0) fail(path);
    struct landlock_path_beneath_attr rule = {
        .allowed_access = S_ISDIR(stat.st_mode) ? access : access & ACCESS_FILE, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) fail(path);
    close(fd);
}

// Also the files that links in a directory lead to, such as a template's in a base (docs/kubernetes.md).
static void allow_shown(int rules, const char *path, uint64_t access) {
    char at[PATH_MAX_BYTES];
    allow(rules, path, access);
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_type != DT_LNK) continue;
        join(at, path, entry->d_name);
        allow(rules, at, access);
    }
    if (entries) closedir(entries);
}

// A ruleset that allows what every program needs; -1 where the kernel has none, or the container's filter refuses to make one.
static int make_rules(const char *directory) {
    static const char *const system[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"};
    struct landlock_ruleset_attr attr = {.handled_access_fs = ACCESS_ALL};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) return -1;
    for (size_t i = 0; i < sizeof system / sizeof *system; i++) allow(rules, system[i], ACCESS_READ);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) allow(rules, devices[i], ACCESS_FILE);
    allow(rules, directory, ACCESS_ALL);
    return rules;
}

static struct sock_fprog read_filter(int fd) {
    static struct sock_filter filter[FILTER_MAX];
    size_t have = 0;
    for (ssize_t got; (got = read(fd, (char *)filter + have, sizeof filter - have)) != 0; have += (size_t)got)
        if (got < 0) fail("reading the filter");
    errno = EINVAL;
    if (have == 0 || have == sizeof filter || have % sizeof *filter != 0) fail("the filter");
    return (struct sock_fprog){.len = (unsigned short)(have / sizeof *filter), .filter = filter};
}

static _Noreturn void become(pid_t parent, const char *directory, int rules, const struct sock_fprog *filter, char *preload,
                             char **program) {
    char path[] = "PATH=/usr/bin:/bin";
    char *environment[] = {path, preload, NULL};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail("starting");
    if (getppid() != parent) _exit(FAILED); // it was killed meanwhile
    if (chdir(directory) < 0) fail(directory);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no new privileges");
    if (rules >= 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0) fail("Landlock");
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0) fail("the filter");
    execve(program[0], program, environment);
    fprintf(stderr, "%s: %s\n", program[0], strerror(errno));
    _exit(NOT_RUN);
}

int main(int argc, char **argv) {
    char place[PATH_MAX_BYTES], preload[PATH_MAX_BYTES + 16] = "";
    if (argc < 6) {
        fputs("usage: pyro-enclose DIRECTORY FILTER_FD STATUS_FD [OPTION]... -- PROGRAM [ARGUMENT]...\n", stderr);
        return FAILED;
    }
    const char *directory = argv[1];
    int filter_fd = atoi(argv[2]), status_fd = atoi(argv[3]);
    join(place, directory, "tmp");
    if ((mkdir(directory, 0700) < 0 && errno != EEXIST) || (mkdir(place, 0700) < 0 && errno != EEXIST)) fail(directory);
    int rules = make_rules(directory);
    char **word = argv + 4;
    for (; *word && strcmp(*word, "--") != 0; word++) {
        bool write = strcmp(*word, "--write") == 0;
        if (word[1] && strcmp(*word, "--preload") == 0) {
            snprintf(preload, sizeof preload, "LD_PRELOAD=%s", *++word);
        } else if (word[1] && word[2] && (write || strcmp(*word, "--read") == 0)) {
            show(directory, word[1], word[2]);
            if (rules >= 0) allow_shown(rules, word[1], write ? ACCESS_ALL : ACCESS_READ);
            word += 2;
        } else {
            errno = EINVAL;
            fail(*word);
        }
    }
    errno = EINVAL;
    if (!*word || !word[1]) fail("no program");
    struct sock_fprog filter = read_filter(filter_fd);
    close(filter_fd);
    dprintf(status_fd, "{\"child-pid\": %d}\n", (int)getpid());
    close(status_fd);
    pid_t self = getpid(), program = fork();
    if (program < 0) fail("fork");
    if (program == 0) become(self, directory, rules, &filter, *preload ? preload : NULL, word + 1);
    syscall(SYS_close_range, 3, ~0u, 0);
    int status;
    while (waitpid(program, &status, 0) < 0)
        if (errno != EINTR) fail("waiting");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
