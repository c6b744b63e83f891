#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// How many threads there are; each gets the signal, if it is to.
static uint32_t count_threads(pid_t pid, bool signals) {
    char path[64];
    uint32_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks) fail(path);
    for (struct dirent *each; (each = readdir(tasks));) {
        if (each->d_name[0] == '.') continue;
        count++;
        // A thread may end meanwhile.
        if (signals && syscall(SYS_tgkill, pid, atoi(each->d_name), SIGFPE) < 0 && errno != ESRCH) fail("a thread of QEMU");
    }
    closedir(tasks);
    return count;
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
    count_threads(pid, true);
    for (int i = 0; i < PATIENCE_MS; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        read_memory(pid, PARK_AT, park, sizeof *park);
        // No thread that runs could start another one.
        if (count_parked(park) != 0 && count_parked(park) == count_threads(pid, false)) return check(park);
    }
    refuse("the threads of QEMU did not stop");
}
