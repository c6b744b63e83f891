#include "rules.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fatal.h"

// The namespace has no way out. These rules only choose the packets that reach the gate: packets from the guest's own addresses, and a
// connection attempt only after the gate has seen it and sent it again, marked.
static const char format_v4[] = "table inet gate {\n"
                                " chain arrivals {\n"
                                "  type filter hook prerouting priority mangle; policy drop;\n"
                                "  iif lo meta mark %1$d meta l4proto tcp tproxy ip to :%2$d accept\n"
                                "  %4$s"
                                "  iif lo drop\n"
                                "  ip saddr %3$s tcp flags & (syn | ack) == syn drop\n"
                                "  ip saddr %3$s meta l4proto { tcp, udp } tproxy ip to :%2$d accept\n"
                                "  %5$s"
                                " }\n"
                                "}\n";

static void run(const char *nft, const char *rules) {
    int ends[2], status;
    if (pipe(ends) < 0) fatal_errno("a pipe");
    pid_t child = fork();
    if (child < 0) fatal_errno("starting nft");
    if (child == 0) {
        if (dup2(ends[0], STDIN_FILENO) < 0) fatal_errno("nft's input");
        close(ends[0]);
        close(ends[1]);
        execl(nft, "nft", "-f", "-", (char *)NULL);
        fatal_errno(nft);
    }
    close(ends[0]);
    ssize_t length = (ssize_t)strlen(rules);
    if (write(ends[1], rules, (size_t)length) != length) fatal_errno("nft's input");
    close(ends[1]);
    if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fatal("nft could not load the rules");
}

void rules_load(const struct options *options, int port, int mark) {
    char guest4[ADDRESS_TEXT_BYTES], guest6[ADDRESS_TEXT_BYTES], rules[2048], injected[256] = "", arriving[768] = "";
    address_print(&options->guest4, guest4);
    if (options->has_v6) {
        address_print(&options->guest6, guest6);
        snprintf(injected, sizeof injected, "iif lo meta mark %d meta l4proto tcp tproxy ip6 to :%d accept\n", mark, port);
        snprintf(arriving, sizeof arriving,
                 "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
                 "  ip6 saddr %1$s tcp flags & (syn | ack) == syn drop\n"
                 "  ip6 saddr %1$s meta l4proto { tcp, udp } tproxy ip6 to :%2$d accept\n",
                 guest6, port);
    }
    snprintf(rules, sizeof rules, format_v4, mark, port, guest4, injected, arriving);
    run(options->nft, rules);
}
