#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fatal.h"
#include "kernel.h"

enum { AGENT_FILES_MAX = 65536 };

static int null_fd = -1;
static struct rlimit command_limit;

void spawn_open(bool is_init) {
    do null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (null_fd >= 0 && null_fd <= STDERR_FILENO);
    if (null_fd < 0) fatal("/dev/null: errno %d", errno);
    getrlimit(RLIMIT_NOFILE, &command_limit);
    if (is_init) command_limit = (struct rlimit){1024, 524288};
    struct rlimit own = {command_limit.rlim_max, command_limit.rlim_max};
    if (own.rlim_cur > AGENT_FILES_MAX) own.rlim_cur = AGENT_FILES_MAX;
    setrlimit(RLIMIT_NOFILE, &own);
}

struct child_ends {
    int fds[3];
};

static const char *find_path(char *const *environment) {
    for (; *environment; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
    return "";
}

// Returns only when no program was found; errno says why.
static void execute(const struct spawn *spawn) {
    const char *name = spawn->argv[0];
    if (strchr(name, '/')) {
        execve(name, spawn->argv, spawn->environment);
        return;
    }
    size_t length = strlen(name);
    int error = ENOENT;
    for (const char *at = find_path(spawn->environment); *at;) {
        size_t folder = strcspn(at, ":");
        char full[PATH_MAX];
        if (folder > 0 && folder + 1 + length < sizeof full) {
            memcpy(full, at, folder);
            full[folder] = '/';
            memcpy(full + folder + 1, name, length + 1);
            execve(full, spawn->argv, spawn->environment);
            if (errno != ENOENT && errno != ENOTDIR) error = errno;
        }
        at += folder + (at[folder] == ':');
    }
    errno = error;
}

// Runs in the child, which borrows the agent's memory until it has called exec.
static void become(volatile struct spawn *result, const struct spawn *spawn, const struct child_ends *ends) {
    result->failed = SPAWN_SETUP;
    setsid();
    if (spawn->is_tty) ioctl(ends->fds[1], TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(ends->fds[fd], fd) < 0) return;
    setrlimit(RLIMIT_NOFILE, &command_limit);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    result->failed = SPAWN_CWD;
    if (chdir(spawn->cwd) < 0) return;
    result->failed = SPAWN_EXEC;
    execute(spawn);
}

__attribute__((noinline)) static void launch(struct spawn *spawn, const struct child_ends *ends) {
    volatile struct spawn *result = spawn;
    result->error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        become(result, spawn, ends);
        result->error = errno ? errno : EINVAL;
        _exit(127);
    }
    if (pid < 0) {
        result->failed = SPAWN_SETUP;
        result->error = errno;
    } else if (result->error) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    }
    result->pid = pid;
}

static bool open_pipe(int *ours, int *theirs, bool we_write) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return false;
    *ours = ends[we_write];
    *theirs = ends[!we_write];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool open_terminal(struct spawn *spawn, struct child_ends *ends) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0) return false;
    spawn->fds[1] = master;
    struct winsize size = {.ws_row = spawn->rows, .ws_col = spawn->columns};
    int slave = -1, unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0) return false;
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return false;
    ioctl(slave, TIOCSWINSZ, &size);
    ends->fds[1] = ends->fds[2] = slave;
    if (spawn->wants_stdin) {
        ends->fds[0] = slave;
        spawn->fds[0] = master;
    }
    return true;
}

static bool open_ends(struct spawn *spawn, struct child_ends *ends) {
    if (spawn->is_tty) return open_terminal(spawn, ends);
    if (spawn->wants_stdin && !open_pipe(&spawn->fds[0], &ends->fds[0], true)) return false;
    return open_pipe(&spawn->fds[1], &ends->fds[1], false) && open_pipe(&spawn->fds[2], &ends->fds[2], false);
}

static void close_all(const int *fds) {
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0 && fds[i] != null_fd && (i == 0 || fds[i] != fds[i - 1])) close(fds[i]);
}

bool spawn_run(struct spawn *spawn) {
    struct child_ends ends = {{null_fd, -1, -1}};
    memset(spawn->fds, -1, sizeof spawn->fds);
    if (open_ends(spawn, &ends)) {
        launch(spawn, &ends);
    } else {
        spawn->failed = SPAWN_SETUP;
        spawn->error = errno;
    }
    close_all(ends.fds);
    if (spawn->error) close_all(spawn->fds);
    return !spawn->error;
}
