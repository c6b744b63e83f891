// pyro-agent: runs commands for a host that is not here. PID 1 of a VM, or a plain process.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "transfer.h"
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

// What our parent ignores, our commands must not. The raw call, for the C library hides two signals from its own.
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

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts(AGENT_VERSION) < 0;
    bool has_mailbox = argc == 7 && strcmp(argv[5], "--mailbox") == 0;
    bool has_workspace = (argc == 5 || has_mailbox) && strcmp(argv[3], "--workspace") == 0;
    const char *workspace = has_workspace ? argv[4] : "/workspace";
    if ((argc == 3 || has_workspace) && strcmp(argv[1], "--listen") == 0) {
        open_process(LOOP_END_WAITS, workspace, has_mailbox ? argv[6] : NULL);
        listen_open(argv[2]);
        int status = run_process();
        unlink(argv[2]);
        return status;
    }
    if ((argc == 3 || has_workspace) && strcmp(argv[1], "--fd") == 0) {
        open_process(LOOP_END_EXITS, workspace, has_mailbox ? argv[6] : NULL);
        listen_adopt(atoi(argv[2]));
        return run_process();
    }
    // The kernel hands words it does not know to init; they are not ours.
    if (getpid() == 1) return serve_vm();
    fputs("usage: pyro-agent (--listen PATH | --fd NUMBER) [--workspace PATH [--mailbox PATH]] | --version\n", stderr);
    return 2;
}
