#include "fatal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

int fatal_powers_off;

static void write_line(int fd, const char *line) {
    if (fd >= 0 && write(fd, line, strlen(line)) < 0) return;
}

void console_say(const char *line) {
    int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    write_line(fd, line);
    if (fd >= 0) close(fd);
}

void fatal(const char *format, ...) {
    char line[512] = "pyro-agent: fatal: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    if (!fatal_powers_off) {
        write_line(STDERR_FILENO, line);
        exit(1);
    }
    console_say(line);
    write_line(open("/dev/kmsg", O_WRONLY | O_CLOEXEC), line);
    sync();
    reboot(RB_POWER_OFF);
    for (;;) pause();
}
