#include "system.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "place.h"
#include "reply.h"

// The value of a line of /proc/meminfo, in bytes.
static int64_t memory(const char *text, const char *name) {
    const char *at = strstr(text, name);
    long long kib = 0;
    if (at) (void)sscanf(at + strlen(name), " %lld", &kib);
    return kib * 1024;
}

static size_t read_text(const char *path, char *out, size_t size) {
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(out, 1, size - 1, file) : 0;
    if (file) fclose(file);
    out[length] = '\0';
    return length;
}

void system_metrics(int64_t id) {
    char text[4096];
    unsigned long long ticks[8] = {0};
    read_text("/proc/stat", text, sizeof text);
    (void)sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", ticks, ticks + 1, ticks + 2, ticks + 3, ticks + 4, ticks + 5,
                 ticks + 6, ticks + 7);
    unsigned long long total = 0;
    for (int i = 0; i < 8; i++) total += ticks[i];
    struct json_out out = reply_begin(id);
    json_out_integer(&out, "cpu_count", sysconf(_SC_NPROCESSORS_ONLN));
    json_out_integer(&out, "cpu_total", (int64_t)total);
    json_out_integer(&out, "cpu_idle", (int64_t)(ticks[3] + ticks[4]));
    read_text("/proc/meminfo", text, sizeof text);
    int64_t all = memory(text, "MemTotal:");
    json_out_integer(&out, "mem_total", all);
    json_out_integer(&out, "mem_used", all - memory(text, "MemAvailable:"));
    json_out_integer(&out, "mem_cache", memory(text, "\nCached:"));
    struct statvfs disk;
    if (statvfs("/", &disk) == 0) {
        json_out_integer(&out, "disk_total", (int64_t)(disk.f_blocks * disk.f_frsize));
        json_out_integer(&out, "disk_used", (int64_t)((disk.f_blocks - disk.f_bfree) * disk.f_frsize));
    }
    reply_send(&out);
    reply_done(id);
}

void system_signal(int64_t id, struct json request) {
    struct json pid_field, signal_field;
    int64_t pid, number;
    if (!json_field(request, "pid", &pid_field) || !json_integer(pid_field, 2, INT32_MAX, &pid) ||
        !json_field(request, "signal", &signal_field) || !json_integer(signal_field, 1, 64, &number))
        return reply_failed(id, EINVAL, NULL);
    if (kill((pid_t)pid, (int)number) != 0) return reply_failed(id, errno, NULL);
    reply_done(id);
}

void system_user(int64_t id, struct json request) {
    struct place_user user;
    int error = place_user(request, &user);
    if (error) return reply_failed(id, error, NULL);
    struct json_out out = reply_begin(id);
    json_out_integer(&out, "uid", user.uid);
    json_out_integer(&out, "gid", user.gid);
    json_out_text(&out, "home", user.home);
    reply_send(&out);
    reply_done(id);
}
