#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fatal.h"
#include "kernel.h"
#include "shepherd.h"

enum { AGENT_FILES_MAX = 65536 };

static int null_fd = -1;
static struct rlimit command_limit;
static bool has_shepherds;
// The error of a command that could not start. It is shared memory, since a child that was forked has memory of its own.
static volatile struct outcome {
    int error, failed;
} *outcome;

void spawn_open(bool is_init) {
    do null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (null_fd >= 0 && null_fd <= STDERR_FILENO);
    if (null_fd < 0) fatal("/dev/null: errno %d", errno);
    outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) fatal("mmap: errno %d", errno);
    has_shepherds = !is_init;
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

// Returns only when no program was found, with errno.
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

// Gives up the rights of the agent. Uses raw system calls: the C library's functions would change its memory, which the child shares with
// the agent.
static bool become_user(const struct user *user) {
    if (!user->is_other) return true;
    return syscall(SYS_setgroups, (size_t)user->group_count, user->groups) == 0 &&
           syscall(SYS_setresgid, user->gid, user->gid, user->gid) == 0 &&
           syscall(SYS_setresuid, user->uid, user->uid, user->uid) == 0;
}

// Runs in the child, which may borrow the agent's memory until it has called exec.
static void become(const struct spawn *spawn, const struct child_ends *ends) {
    outcome->failed = SPAWN_SETUP;
    setsid();
    if (spawn->is_tty) ioctl(ends->fds[1], TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(ends->fds[fd], fd) < 0) return;
    setrlimit(RLIMIT_NOFILE, &command_limit);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!become_user(spawn->user)) return;
    outcome->failed = SPAWN_CWD;
    if (chdir(spawn->cwd) < 0) return;
    outcome->failed = SPAWN_EXEC;
    execute(spawn);
}

_Noreturn static void run_child(const struct spawn *spawn, const struct child_ends *ends) {
    become(spawn, ends);
    outcome->error = errno ? errno : EINVAL;
    _exit(127);
}

#ifdef __x86_64__
// clone3 with the parent's memory and stack. The return address is kept in a register, as vfork() does: the child overwrites its place on
// the stack. Returns a negative errno on failure.
pid_t clone3_vfork(const struct clone_arguments *arguments, size_t size) __attribute__((returns_twice));
__asm__(".text\n"
        ".type clone3_vfork, @function\n"
        "clone3_vfork:\n"
        "    pop %rdx\n"
        "    mov $435, %eax\n"
        "    syscall\n"
        "    push %rdx\n"
        "    ret\n");
enum { SHARES_MEMORY = CLONE_MEMORY };
#else
#define clone3_vfork(arguments, size) ((pid_t)syscall(SYS_clone3, arguments, size))
enum { SHARES_MEMORY = 0 };
#endif

// Returns when the command runs, or has failed to.
__attribute__((noinline)) static pid_t start_child(const struct spawn *spawn, const struct child_ends *ends) {
    // As vfork(), in a control group.
    const struct clone_arguments arguments = {
        .flags = CLONE_PARENT_WAITS | CLONE_IN_CGROUP | SHARES_MEMORY,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)spawn->cgroup_fd,
    };
    pid_t pid = spawn->cgroup_fd < 0 ? -1 : clone3_vfork(&arguments, sizeof arguments);
    if (pid == 0) run_child(spawn, ends);
    if (pid > 0) return pid;
    pid = vfork();
    if (pid == 0) run_child(spawn, ends);
    return pid;
}

static void launch(struct spawn *spawn, const struct child_ends *ends) {
    outcome->error = 0;
    pid_t pid = start_child(spawn, ends);
    spawn->pid = pid;
    spawn->error = pid < 0 ? errno : outcome->error;
    spawn->failed = pid < 0 ? SPAWN_SETUP : outcome->failed;
    if (pid < 0 || !spawn->error) return;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static void launch_with_shepherd(struct spawn *spawn, const struct child_ends *ends) {
    int channel;
    pid_t shepherd = shepherd_fork(&channel);
    if (shepherd == 0) {
        launch(spawn, ends);
        shepherd_serve(channel, (struct shepherd_start){spawn->pid, spawn->error, spawn->failed});
    }
    struct shepherd_start start = {.error = errno, .failed = SPAWN_SETUP};
    if (shepherd > 0) start = shepherd_await(channel);
    spawn->pid = start.pid;
    spawn->error = start.error;
    spawn->failed = start.failed;
    if (spawn->error && channel >= 0) close(channel);
    else spawn->shepherd_fd = channel;
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

// The command may open its own streams again, by /dev/stdout or its terminal's name.
static void give_ends(const struct user *user, const struct child_ends *ends) {
    for (int i = 0; user->is_other && i < 3; i++)
        if (ends->fds[i] >= 0 && ends->fds[i] != null_fd && fchown(ends->fds[i], user->uid, (gid_t)-1) < 0) return;
}

static void close_all(const int *fds) {
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0 && fds[i] != null_fd && (i == 0 || fds[i] != fds[i - 1])) close(fds[i]);
}

bool spawn_run(struct spawn *spawn) {
    struct child_ends ends = {{null_fd, -1, -1}};
    memset(spawn->fds, -1, sizeof spawn->fds);
    spawn->shepherd_fd = -1;
    spawn->error = 0;
    if (open_ends(spawn, &ends)) {
        give_ends(spawn->user, &ends);
        if (has_shepherds)
            launch_with_shepherd(spawn, &ends);
        else
            launch(spawn, &ends);
    } else {
        spawn->failed = SPAWN_SETUP;
        spawn->error = errno;
    }
    close_all(ends.fds);
    if (spawn->error) close_all(spawn->fds);
    return !spawn->error;
}
