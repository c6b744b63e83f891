#include "port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fatal.h"
#include "loop.h"
#include "wait.h"

#define PORTS "/sys/class/virtio-ports"
#define PORT_NAME "org.pyro.agent.0\n"

static bool has_name(const char *port) {
    char path[300], name[64] = "";
    snprintf(path, sizeof path, PORTS "/%.200s/name", port);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = read(fd, name, sizeof name - 1);
    close(fd);
    return got > 0 && strcmp(name, PORT_NAME) == 0;
}

static int find_and_open(void) {
    int found = -1;
    DIR *ports = opendir(PORTS);
    if (!ports) return -1;
    for (struct dirent *port; found < 0 && (port = readdir(ports));) {
        char path[300];
        if (port->d_name[0] == '.' || !has_name(port->d_name)) continue;
        snprintf(path, sizeof path, "/dev/%.200s", port->d_name);
        found = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    closedir(ports);
    return found;
}

int port_open(void) {
    int fd = -1;
    for (uint64_t deadline = wait_deadline(); (fd = find_and_open()) < 0;)
        if (!wait_a_little(deadline)) fatal("the port org.pyro.agent.0 did not appear");
    return fd;
}
