#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "fatal.h"
#include "init_files.h"
#include "login.h"
#include "mailbox.h"
#include "modules.h"
#include "wait.h"
#include "workspace.h"

#define NEW "/newroot"

static void make_directory(const char *path, mode_t mode) {
    if (mkdir(path, mode) < 0 && errno != EEXIST) fatal("mkdir %s: errno %d", path, errno);
}

static void mount_on(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    make_directory(target, 0755);
    if (mount(source, target, type, flags, data) < 0) fatal("mount %s on %s: errno %d", source, target, errno);
}

static void make_link(const char *target, const char *path) {
    if (symlink(target, path) < 0 && errno != EEXIST) fatal("symlink %s: errno %d", path, errno);
}

static void wait_for(const char *device) {
    for (uint64_t deadline = wait_deadline(); access(device, F_OK) < 0;)
        if (!wait_a_little(deadline)) fatal("%s did not appear", device);
}

static void open_standard_streams(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < STDERR_FILENO);
    if (fd > STDERR_FILENO) close(fd);
}

// The root image is shared and read-only; all writes go to the scratch disk.
static void mount_root(void) {
    wait_for("/dev/vda");
    wait_for("/dev/vdb");
    wait_for("/dev/vdc");
    mailbox_open("/dev/vdc");
    mount_on("/dev/vda", "/lower", "ext4", MS_RDONLY | MS_NOATIME, "");
    // A VM's disk does not outlive a crash of its host, so a rename need not wait for its data to be allocated.
    mount_on("/dev/vdb", "/scratch", "ext4", MS_NOATIME, "noinit_itable,noauto_da_alloc,data=writeback,commit=30");
    make_directory("/scratch/upper", 0755);
    make_directory("/scratch/work", 0755);
    make_directory("/scratch/workspace", 0755);
    make_directory("/scratch/staging", 0700);
    workspace_keep("/scratch/workspace", "/scratch/staging", "/workspace");
    mount_on("overlay", NEW, "overlay", MS_NOATIME, "lowerdir=/lower,upperdir=/scratch/upper,workdir=/scratch/work");
    mount_on("/scratch/workspace", NEW "/workspace", NULL, MS_BIND, NULL);
}

static void mount_kernel_file_systems(void) {
    const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    mount_on("proc", NEW "/proc", "proc", plain, "");
    mount_on("sysfs", NEW "/sys", "sysfs", plain, "");
    mount_on("devtmpfs", NEW "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
    mount_on("devpts", NEW "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,mode=0620,gid=5");
    mount_on("tmpfs", NEW "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    mount_on("tmpfs", NEW "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    // Commands may make groups of their own; without the controller nothing here fails.
    if (access(NEW "/sys/fs/cgroup", F_OK) == 0) mount("cgroup2", NEW "/sys/fs/cgroup", "cgroup2", plain, "");
    cgroup_open(NEW "/sys/fs/cgroup");
    make_link("/proc/self/fd", NEW "/dev/fd");
    make_link("/proc/self/fd/0", NEW "/dev/stdin");
    make_link("/proc/self/fd/1", NEW "/dev/stdout");
    make_link("/proc/self/fd/2", NEW "/dev/stderr");
    make_directory(NEW "/tmp", 0755);
    if (chmod(NEW "/tmp", 01777) < 0) fatal("chmod /tmp: errno %d", errno);
}

static void switch_root(void) {
    if (chdir(NEW) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        fatal("switching the root: errno %d", errno);
}

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return; // a kernel without a network has no loopback to raise
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(fd, SIOCSIFFLAGS, &request);
    }
    close(fd);
}

void init_boot(void) {
    umask(0);
    mount_on("proc", "/proc", "proc", 0, "");
    mount_on("sysfs", "/sys", "sysfs", 0, "");
    make_directory("/dev", 0755);
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, "") < 0 && errno != EBUSY) fatal("mount /dev: errno %d", errno);
    open_standard_streams();
    console_say("pyro-agent: started\n");
    reboot(RB_DISABLE_CAD);
    modules_load();
    mount_root();
    console_say("pyro-agent: mounted the root\n");
    mount_kernel_file_systems();
    switch_root();
    init_files_make();
    raise_loopback();
    login_open();
    umask(022);
}

void init_power_off(void) {
    kill(-1, SIGKILL);
    sync();
    reboot(RB_POWER_OFF);
    fatal("power off: errno %d", errno);
}
