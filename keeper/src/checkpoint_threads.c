#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// How often no thread may run before QEMU is at rest.
enum { RESTED_LOOKS = 3 };

// Calls a function with the id of each thread, and returns how many there are.
static uint32_t each_thread(pid_t pid, void (*visit)(void *context, pid_t pid, const char *id), void *context) {
    char path[64];
    uint32_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks) fail(path);
    for (struct dirent *each; (each = readdir(tasks));) {
        if (each->d_name[0] == '.') continue;
        count++;
        if (visit) visit(context, pid, each->d_name);
    }
    closedir(tasks);
    return count;
}

static void signal_thread(void *context, pid_t pid, const char *id) {
    (void)context;
    // A thread may end meanwhile.
    if (syscall(SYS_tgkill, pid, atoi(id), SIGFPE) < 0 && errno != ESRCH) fail("a thread of QEMU");
}

static void note_running(void *is_running, pid_t pid, const char *id) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, id);
    FILE *file = fopen(path, "re");
    const char *name_end = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (file) fclose(file);
    *(bool *)is_running |= name_end == NULL || strncmp(name_end, ") S", 3) != 0;
}

// A thread that works may hold a lock that knows it by its id, which is another one in the new process.
static void await_rest(pid_t pid) {
    for (int i = 0, rested = 0; i < PATIENCE_MS; i++) {
        bool is_running = false;
        each_thread(pid, note_running, &is_running);
        rested = is_running ? 0 : rested + 1;
        if (rested == RESTED_LOOKS) return;
        pause_briefly();
    }
    refuse("QEMU does not come to rest");
}

static uint32_t count_parked(const struct park *park) {
    uint32_t parked = 0;
    for (uint32_t i = 0; i < park->count && i < THREADS_MAX; i++) parked += park->threads[i].is_parked;
    return parked;
}

static void check(const struct park *park) {
    if (park->count > THREADS_MAX) refuse("QEMU has too many threads");
    // A QEMU that continues gets no filter besides these.
    if (park->filter_count == 0) refuse("the filter of QEMU is unknown");
    if (park->filter_count > FILTERS_MAX) refuse("QEMU has too many filters");
    if (park->tap_call_count > TAP_CALLS_MAX) refuse("QEMU has made too many settings of its network");
    for (uint32_t i = 0; i < park->count; i++)
        if (park->threads[i].id_at == 0) refuse("this C library keeps the id of a thread at an unknown place");
}

void park_threads(pid_t pid, struct park *park) {
    read_memory(pid, PARK_AT, park, sizeof *park);
    if (memcmp(park->magic, PARK_MAGIC, sizeof park->magic) != 0) refuse("this QEMU cannot be parked");
    await_rest(pid);
    for (int i = 0; i < PATIENCE_MS; i++) {
        // A thread that has started meanwhile gets the signal too. It is pending for those that are parked already.
        each_thread(pid, signal_thread, NULL);
        pause_briefly();
        read_memory(pid, PARK_AT, park, sizeof *park);
        // No thread that runs could start another one.
        if (count_parked(park) != 0 && count_parked(park) == each_thread(pid, NULL, NULL)) return check(park);
    }
    refuse("the threads of QEMU did not stop");
}
