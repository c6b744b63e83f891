// Other rules while connections run: what the text says, and which connections stay.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../src/loop.h"
#include "../src/names.h"
#include "../src/outside.h"
#include "../src/pipe.h"
#include "../src/update.h"
#include "expect.h"

static struct options options;
static const struct address dns8 = {.family = AF_INET, .bytes = {8, 8, 8, 8}, .port = 443};
static const struct address dns4 = {.family = AF_INET, .bytes = {8, 8, 4, 4}, .port = 443};
static const struct address nat64 = {.family = AF_INET6, .bytes = {0, 0x64, 0xff, 0x9b, [12] = 8, 8, 8, 8}, .port = 443};
static const struct address private = {.family = AF_INET, .bytes = {10, 0, 0, 1}, .port = 80};
static const struct address gateway = {.family = AF_INET, .bytes = {198, 18, 0, 1}, .port = 3128};

static bool apply(const char *text) {
    char copy[UPDATE_BYTES];
    size_t length = strlen(text);
    memcpy(copy, text, length);
    return update_apply(copy, length);
}

static bool is_open(const struct address *to) { return outside_judge(to, SOCK_STREAM) == VERDICT_OPEN; }

static void test_rules(void) {
    expect(apply("end\n") && is_open(&dns8) && !is_open(&private), "open as usual", "without rules");
    expect(apply("deny 8.8.8.8\nallow 10.0.0.0/8:80\nend\n"), "applied", "a deny and an allow");
    expect(!is_open(&dns8) && !is_open(&nat64) && is_open(&dns4) && is_open(&private), "closed and opened", "");
    expect(apply("allow 8.8.8.8/32:443\ndeny 0.0.0.0/0\ndeny ::/0\nend\n"), "applied", "one address alone");
    expect(is_open(&dns8) && !is_open(&dns4) && !is_open(&nat64), "an allow comes before a deny", "");
    expect(apply("forward 3128=10.0.0.7:3128\nend\n") && is_open(&gateway) && is_open(&dns4), "applied", "a forward");
    expect(apply("end\n") && !is_open(&gateway), "gone", "a forward");
    expect(apply("allow-host example.org\nallow-host *.example.com\nend\n") && names_is_allowed("a.example.com"), "applied", "names");
    expect(!is_open(&dns8) && names_are_required(), "only names", "");
    names_learn(&dns8, 60);
    expect(is_open(&dns8), "learned", "");
    expect(apply("allow-host example.net\nend\n") && !is_open(&dns8) && !names_is_allowed("example.org"), "forgotten", "names");
}

static void test_bad(void) {
    static const char *const bad[] = {
        "", "end", "\n", "end\nend\n", "deny 8.8.8.8\n", "deny 8.8.8.8 \nend\n", "deny\nend\n", "allow x\nend\n", "allow-host x y\nend\n",
        "allow-host \nend\n", "forward 0=1.1.1.1:1\nend\n", "forward 1=1.1.1.1\nend\n", "forward =1.1.1.1:1\nend\n", " end\n", "END\n",
        "deny 8.8.8.8\r\nend\n", "permit 8.8.8.8\nend\n",
    };
    char many[UPDATE_BYTES] = "";
    expect(apply("deny 8.8.4.4\nend\n"), "applied", "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!apply(bad[i]), "not applied:", bad[i]);
    for (int i = 0; i <= POLICY_DENY_MAX; i++) strcat(many, "deny 9.9.9.9\n");
    expect(!apply(strcat(many, "end\n")), "not applied:", "too many");
    char nul[] = "deny 9.9.9.9\0\nend\n";
    expect(!update_apply(nul, sizeof nul - 1), "not applied:", "a NUL");
    expect(!is_open(&dns4) && is_open(&dns8), "unchanged", "by texts that are not valid");
}

static void join(int ends[2], const struct address *to, bool is_by_name) {
    int ours[2], theirs[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ours) < 0) abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, theirs) < 0) abort();
    ends[0] = ours[0], ends[1] = theirs[0];
    pipe_join(ours[1], theirs[1], to, is_by_name);
}

static bool has_ended(const int ends[2]) {
    char byte;
    ssize_t length = recv(ends[0], &byte, 1, 0);
    return length == 0 || (length < 0 && errno != EAGAIN);
}

static void test_connections(void) {
    int eight[2], four[2], host[2], named[2];
    apply("forward 3128=10.0.0.7:3128\nend\n");
    join(eight, &dns8, false);
    join(four, &dns4, false);
    join(host, &gateway, false);
    join(named, &dns4, true);
    expect(apply("deny 8.8.8.8\nforward 3128=10.0.0.7:3128\nend\n"), "applied", "");
    expect(has_ended(eight) && !has_ended(four) && !has_ended(host) && !has_ended(named), "ended", "what is denied, alone");
    expect(apply("end\n") && has_ended(host) && !has_ended(four), "ended", "a forward that is gone");
    expect(apply("allow-host example.org\nend\n"), "applied", "");
    expect(has_ended(four) && has_ended(named), "ended", "what no rule opens without a name");
    expect(pipe_count() == 0, "no connection", "is left");
    apply("end\n");
}

static int ask(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) abort();
    return fd;
}

static void say(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) abort();
    loop_turn();
}

static bool hears(int fd, const char *wanted) {
    char text[8] = "";
    ssize_t length = recv(fd, text, sizeof text - 1, 0);
    close(fd);
    return length == (ssize_t)strlen(wanted) && strcmp(text, wanted) == 0;
}

static void test_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/pyro-gate-XXXXXX";
    if (!mkdtemp(directory)) abort();
    strcat(strcpy(address.sun_path, directory), "/rules");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) abort();
    update_serve(listener);
    int first = ask(address.sun_path), second = ask(address.sun_path), third = ask(address.sun_path);
    say(first, "deny 8.8.");
    say(first, "8.8\nen");
    expect(is_open(&dns8), "unchanged", "by half a text");
    say(first, "d\n");
    expect(hears(first, "ok\n") && !is_open(&dns8), "answered", "the first client");
    loop_turn();
    say(second, "deny");
    close(second); // a client that is gone leaves the rules as they were
    loop_turn();
    loop_turn();
    say(third, "allow-host bad name\nend\n");
    loop_turn();
    expect(hears(third, "no\n") && !is_open(&dns8), "answered", "the third client");
    unlink(address.sun_path);
    rmdir(directory);
}

int main(void) {
    options.gateway4 = gateway;
    options.gateway4.port = 0;
    loop_open();
    if (!policy_open()) abort();
    outside_open(&options);
    test_rules();
    test_bad();
    test_connections();
    test_socket();
    return expect_end("update");
}
