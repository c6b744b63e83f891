// pyro-agent: runs commands for a host on the other end of a port or socket. PID 1 of a VM, or a plain process.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "fatal.h"
#include "init.h"
#include "job.h"
#include "kernel.h"
#include "listen.h"
#include "login.h"
#include "loop.h"
#include "mailbox.h"
#include "port.h"
#include "request.h"
#include "session.h"
#include "spawn.h"
#include "stage.h"
#include "workspace.h"

static int serve_vm(void) {
    fatal_powers_off = 1;
    init_boot();
    spawn_open(true);
    request_open(MODE_INIT);
    loop_open(LOOP_END_WAITS);
    session_attach(port_open(), true);
    loop_run();
    init_power_off();
}

// Commands must not inherit the signals that our parent ignores. Uses the raw call, since the C library's own hides two signals.
static void heed_all_signals(void) {
    struct {
        void (*handler)(int);
        unsigned long rest[3];
    } action;
    for (int number = 1; number <= 64; number++) {
        if (syscall(SYS_rt_sigaction, number, NULL, &action, 8) < 0 || action.handler != SIG_IGN) continue;
        action.handler = SIG_DFL;
        syscall(SYS_rt_sigaction, number, &action, NULL, 8);
    }
}

static void open_process(enum loop_end end, const char *workspace, const char *mailbox) {
    syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_SET_CLOEXEC);
    heed_all_signals();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    umask(022);
    // As a plain process on a person's machine the agent leaves that person's login files alone.
    if (getenv("PYRO_AGENT_LOGIN")) login_open();
    spawn_open(false);
    request_open(MODE_PROCESS);
    loop_open(end);
    workspace_use(workspace);
    if (mailbox) mailbox_open(mailbox);
    stages_sweep();
}

static int run_process(void) {
    loop_run();
    jobs_kill();
    session_attach(-1, false);
    return 0;
}

static int usage(void) {
    fputs("usage: pyro-agent (--listen PATH | --fd NUMBER) [--workspace PATH] [--mailbox PATH] [--filter NUMBER] [--processes NUMBER] | --version\n", stderr);
    return 2;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts(AGENT_VERSION) < 0;
    const char *listen = NULL, *fd = NULL, *workspace = "/workspace", *mailbox = NULL, *filter = NULL, *processes = NULL;
    struct {
        const char *name, **value;
    } options[] = {
        {"--listen", &listen}, {"--fd", &fd}, {"--workspace", &workspace}, {"--mailbox", &mailbox}, {"--filter", &filter},
        {"--processes", &processes},
    };
    for (int i = 1; i < argc; i += 2) {
        const char **value = NULL;
        for (size_t known = 0; known < sizeof options / sizeof *options; known++)
            if (i + 1 < argc && strcmp(argv[i], options[known].name) == 0) value = options[known].value;
        // The kernel passes unknown words of its command line to init; the agent ignores them.
        if (!value) return getpid() == 1 ? serve_vm() : usage();
        *value = argv[i + 1];
    }
    if (!listen && !fd) return getpid() == 1 ? serve_vm() : usage();
    if (processes) confine_processes(strtoul(processes, NULL, 10));
    if (filter) confine_load(atoi(filter));
    open_process(listen ? LOOP_END_WAITS : LOOP_END_EXITS, workspace, mailbox);
    if (!listen) {
        listen_adopt(atoi(fd));
        return run_process();
    }
    listen_open(listen);
    int status = run_process();
    unlink(listen);
    return status;
}
