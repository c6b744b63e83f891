#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fatal.h"
#include "kernel.h"

static int is_compressed(const char *path) {
    size_t length = strlen(path);
    return length < 3 || strcmp(path + length - 3, ".ko") != 0;
}

static void load(const char *name) {
    char path[300];
    snprintf(path, sizeof path, "/modules/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fatal("%s: errno %d", path, errno);
    long result = syscall(SYS_finit_module, fd, "", is_compressed(path) ? MODULE_IS_COMPRESSED : 0);
    if (result < 0 && errno != EEXIST) fatal("%s: not loaded, errno %d", path, errno);
    close(fd);
    unlink(path); // memory of the VM that nothing reads again
}

void modules_load(void) {
    FILE *order = fopen("/modules/order", "re");
    if (!order) {
        if (errno == ENOENT) return; // a kernel with all of it built in
        fatal("/modules/order: errno %d", errno);
    }
    char name[256];
    while (fgets(name, sizeof name, order)) {
        name[strcspn(name, "\r\n")] = '\0';
        if (*name) load(name);
    }
    fclose(order);
}
