#include "counters.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"
#include "quota.h"

enum { REMEMBERED = 8, SHOWN_NAME_BYTES = 128, ANSWER_BYTES = 8192 };

struct refused {
    const char *protocol, *reason;
    struct address to;
    time_t at;
    uint64_t times;
    char name[SHOWN_NAME_BYTES];
};

struct counters counters;
static struct refused last[REMEMBERED]; // the latest first
static int last_count;

static bool is_same(const struct refused *a, const struct refused *b) {
    return a->protocol == b->protocol && address_is_equal(&a->to, &b->to) && strcmp(a->name, b->name) == 0;
}

// A name comes from the guest, so invalid characters are not copied.
static void copy_name(const char *name, char copy[SHOWN_NAME_BYTES]) {
    size_t length = 0;
    for (; name[length] != '\0' && length < SHOWN_NAME_BYTES - 1; length++)
        copy[length] = isalnum((unsigned char)name[length]) || strchr("-_.", name[length]) ? name[length] : '?';
    copy[length] = '\0';
}

void counters_refuse(const char *protocol, const struct address *to, enum verdict verdict, const char *name) {
    struct refused entry = {protocol, verdict_name(verdict), *to, time(NULL), 1, ""};
    copy_name(name ? name : "", entry.name);
    int at = 0;
    counters.refused++;
    while (at < last_count && !is_same(&last[at], &entry)) at++;
    if (at < last_count)
        entry.times += last[at].times;
    else if (last_count < REMEMBERED)
        last_count++;
    else
        at = REMEMBERED - 1;
    memmove(last + 1, last, (size_t)at * sizeof *last);
    last[0] = entry;
}

static size_t print(char *text, size_t at, const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    int length = vsnprintf(text + at, ANSWER_BYTES - at, format, rest);
    va_end(rest);
    return length < 0 || (size_t)length >= ANSWER_BYTES - at ? ANSWER_BYTES - 1 : at + (size_t)length;
}

static size_t render(char *text) {
    size_t at = print(text, 0,
                      "{\"pid\":%d,\"sent_bytes\":%llu,\"received_bytes\":%llu,\"tcp_connections\":%llu,\"udp_flows\":%llu,"
                      "\"refused\":%llu,\"last_refused\":[",
                      (int)getpid(), (unsigned long long)counters.sent_bytes, (unsigned long long)counters.received_bytes,
                      (unsigned long long)counters.tcp_connections, (unsigned long long)counters.udp_flows,
                      (unsigned long long)counters.refused);
    for (int i = 0; i < last_count; i++) {
        char address[ADDRESS_TEXT_BYTES];
        address_print(&last[i].to, address);
        at = print(text, at, "%s{\"protocol\":\"%s\",\"address\":\"%s\",\"port\":%d,\"reason\":\"%s\",\"at_s\":%lld,\"times\":%llu,\"name\":\"%s\"}",
                   i == 0 ? "" : ",", last[i].protocol, address, last[i].to.port, last[i].reason, (long long)last[i].at,
                   (unsigned long long)last[i].times, last[i].name);
    }
    return print(text, at, "]}\n");
}

static struct {
    struct watch watch;
    int listener;
} server;

// A short answer fits into the socket's buffer, so the write does not block.
static void answer(struct watch *watch, uint32_t events) {
    (void)events;
    char text[ANSWER_BYTES];
    int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (quota_is_host_short(errno)) loop_rest(server.listener, watch);
        return;
    }
    size_t length = render(text);
    if (send(fd, text, length, MSG_NOSIGNAL) < 0) shutdown(fd, SHUT_RDWR);
    close(fd);
}

void counters_serve(int listener) {
    server.watch.wake = answer;
    server.listener = listener;
    loop_add(listener, EPOLLIN, &server.watch);
}
