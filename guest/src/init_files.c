#include "init_files.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

// Debian's number of the group utmp, which /run/utmp belongs to.
enum { GROUP_UTMP = 43 };

static const struct {
    const char *path;
    mode_t mode;
} directories[] = {
    {"/run/lock", 01777},
    {"/run/log", 0755},
    {"/run/sshd", 0755}, // Debian's unit and init script make it; sshd that is started as a command does not
    {"/run/user", 0755},
    {"/run/user/0", 0700},
    {"/dev/mqueue", 01777},
};

// Limits as on a desktop: the kernel derives some from the memory, and a small VM's are too small to watch a project.
static const struct {
    const char *path, *value;
} limits[] = {
    {"/proc/sys/fs/inotify/max_user_watches", "524288"},
    {"/proc/sys/fs/inotify/max_user_instances", "1024"},
    {"/proc/sys/vm/max_map_count", "1048576"},
    {"/proc/sys/kernel/pid_max", "4194304"},
    {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
};

// Device nodes that every user may open; the others are root's.
static const char *const for_all[] = {"/dev/fuse", "/dev/net/tun"};

static void make_directories(void) {
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) mkdir(directories[i].path, directories[i].mode);
    mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    int fd = open("/run/utmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0664);
    if (fd < 0) return;
    (void)!fchown(fd, 0, GROUP_UTMP);
    close(fd);
}

static void write_limits(void) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int fd = open(limits[i].path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) continue;
        (void)!write(fd, limits[i].value, strlen(limits[i].value));
        close(fd);
    }
}

static void make_node(const char *name, mode_t type, dev_t device) {
    char path[128];
    if (snprintf(path, sizeof path, "/dev/%s", name) >= (int)sizeof path || strstr(name, "..")) return;
    char *slash = strchr(path + strlen("/dev/"), '/');
    if (slash) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    mknod(path, type | 0600, device);
}

// Opens nodes to users, also nodes that the kernel has made for a built-in driver.
static void open_nodes(void) {
    for (size_t i = 0; i < sizeof for_all / sizeof *for_all; i++) chmod(for_all[i], 0666);
}

// Devices whose module is loaded when their node is opened, so the node must exist first. depmod lists them:
// `fuse fuse c10:229`.
static void make_static_nodes(void) {
    struct utsname kernel;
    char path[sizeof kernel.release + 64], line[256], name[64], type;
    unsigned major, minor;
    uname(&kernel);
    snprintf(path, sizeof path, "/lib/modules/%s/modules.devname", kernel.release);
    FILE *list = fopen(path, "re");
    if (!list) return;
    while (fgets(line, sizeof line, list))
        if (sscanf(line, "%*s %63s %c%u:%u", name, &type, &major, &minor) == 4 && (type == 'c' || type == 'b'))
            make_node(name, type == 'c' ? S_IFCHR : S_IFBLK, makedev(major, minor));
    fclose(list);
}

void init_files_make(void) {
    make_directories();
    write_limits();
    make_static_nodes();
    open_nodes();
    (void)!symlink("../proc/self/mounts", "/etc/mtab");
}
