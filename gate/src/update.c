#include "update.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "names.h"
#include "outside.h"
#include "policy.h"
#include "quota.h"
#include "tcp.h"
#include "udp.h"

// The rules of one text.
static struct {
    struct range allowed[POLICY_ALLOW_MAX], denied[POLICY_DENY_MAX];
    const char *names[NAMES_MAX];
    struct forward forwards[FORWARDS_MAX];
    int allowed_count, denied_count, name_count, forward_count;
} rules;

// The rest of a line after its first word; NULL when it begins with another one.
static const char *after(const char *line, const char *word) {
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static bool read_rule(const char *line) {
    const char *rest;
    if ((rest = after(line, "allow")))
        return rules.allowed_count < POLICY_ALLOW_MAX && range_parse(rest, &rules.allowed[rules.allowed_count++]);
    if ((rest = after(line, "deny")))
        return rules.denied_count < POLICY_DENY_MAX && range_parse(rest, &rules.denied[rules.denied_count++]);
    if ((rest = after(line, "forward")))
        return rules.forward_count < FORWARDS_MAX && forward_parse(rest, &rules.forwards[rules.forward_count++]);
    if (!(rest = after(line, "allow-host")) || rules.name_count == NAMES_MAX || !names_is_pattern(rest)) return false;
    rules.names[rules.name_count++] = rest;
    return true;
}

// False for a text that is not whole or not valid.
static bool read_rules(char *text, size_t length) {
    char *at = text, *end;
    memset(&rules, 0, sizeof rules);
    while ((end = memchr(at, '\n', length - (size_t)(at - text)))) {
        *end = '\0';
        if (strlen(at) != (size_t)(end - at)) return false;
        if (strcmp(at, "end") == 0) return end + 1 == text + length;
        if (!read_rule(at)) return false;
        at = end + 1;
    }
    return false;
}

bool update_apply(char *text, size_t length) {
    if (!read_rules(text, length)) return false;
    policy_clear();
    names_clear();
    for (int i = 0; i < rules.allowed_count; i++) policy_allow(&rules.allowed[i]);
    for (int i = 0; i < rules.denied_count; i++) policy_deny(&rules.denied[i]);
    for (int i = 0; i < rules.name_count; i++) names_allow(rules.names[i]);
    outside_forward(rules.forwards, rules.forward_count);
    udp_end_all();
    tcp_judge_all();
    return true;
}

// One client at a time.
static struct {
    struct watch watch;
    int fd;
    size_t length;
    char text[UPDATE_BYTES];
} client;
static struct {
    struct watch watch;
    int listener;
} server;

static void end_client(void) {
    loop_remove(client.fd, &client.watch);
    close(client.fd);
    loop_change(server.listener, EPOLLIN, &server.watch);
}

static void answer(bool is_valid) {
    if (send(client.fd, is_valid ? "ok\n" : "no\n", 3, MSG_NOSIGNAL) < 0) shutdown(client.fd, SHUT_RDWR);
    end_client();
}

static bool is_whole(void) {
    static const char end[] = "\nend\n";
    size_t length = client.length, size = sizeof end - 1;
    return length >= size ? memcmp(client.text + length - size, end, size) == 0 : length == size - 1 && memcmp(client.text, end + 1, length) == 0;
}

static void take_text(struct watch *watch, uint32_t events) {
    (void)watch;
    (void)events;
    ssize_t got = recv(client.fd, client.text + client.length, sizeof client.text - client.length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return end_client();
    client.length += (size_t)got;
    if (is_whole()) return answer(update_apply(client.text, client.length));
    if (client.length == sizeof client.text) answer(false);
}

static void take_client(struct watch *watch, uint32_t events) {
    (void)events;
    int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (quota_is_host_short(errno)) loop_rest(server.listener, watch);
        return;
    }
    client.watch.wake = take_text;
    client.fd = fd;
    client.length = 0;
    if (!loop_add(fd, EPOLLIN, &client.watch)) {
        close(fd);
        return;
    }
    loop_change(server.listener, 0, &server.watch);
}

void update_serve(int listener) {
    server.watch.wake = take_client;
    server.listener = listener;
    loop_add(listener, EPOLLIN, &server.watch);
}
