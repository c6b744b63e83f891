#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "fatal.h"
#include "names.h"
#include "policy.h"

static unsigned long read_number(const char *name, const char *text) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX) fatal("%s: %s is not a number", name, text);
    return number;
}

static struct address read_guest(const char *name, const char *text, sa_family_t family) {
    struct range range;
    if (!range_parse(text, &range) || range.base.family != family || range.port != 0) fatal("%s: %s?", name, text);
    return range.base;
}

// The gateway is the first address of the guest's network, the guest the second.
static struct address gateway_of(struct address guest) {
    guest.bytes[guest.family == AF_INET ? 3 : 15]--;
    return guest;
}

bool forward_parse(const char *text, struct forward *forward) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '=' || number == 0 || number > UINT16_MAX) return false;
    forward->port = (uint16_t)number;
    return address_parse(end + 1, &forward->to);
}

static void read_forward(const char *text, struct options *options) {
    if (options->forward_count == FORWARDS_MAX || !forward_parse(text, &options->forwards[options->forward_count++]))
        fatal("--forward: %s is not PORT=ADDRESS:PORT, or is one too many", text);
}

static void read_one(const char *name, const char *value, struct options *options) {
    struct range range;
    if (strcmp(name, "--control") == 0) {
        options->control = value;
    } else if (strcmp(name, "--rules") == 0) {
        options->rules = value;
    } else if (strcmp(name, "--nft") == 0) {
        options->nft = value;
    } else if (strcmp(name, "--uid") == 0) {
        options->uid = (uint32_t)read_number(name, value);
    } else if (strcmp(name, "--gid") == 0) {
        options->gid = (uint32_t)read_number(name, value);
    } else if (strcmp(name, "--tap-fd") == 0) {
        options->tap_fd = (int)read_number(name, value);
    } else if (strcmp(name, "--lifeline-fd") == 0) {
        options->lifeline_fd = (int)read_number(name, value);
    } else if (strcmp(name, "--guest4") == 0) {
        options->gateway4 = gateway_of(options->guest4 = read_guest(name, value, AF_INET));
    } else if (strcmp(name, "--guest6") == 0) {
        options->gateway6 = gateway_of(options->guest6 = read_guest(name, value, AF_INET6));
        options->has_v6 = true;
    } else if (strcmp(name, "--resolver") == 0) {
        if (options->resolver_count == RESOLVERS_MAX) fatal("more than %d resolvers", RESOLVERS_MAX);
        if (!address_parse(value, &options->resolvers[options->resolver_count++])) fatal("%s: %s?", name, value);
    } else if (strcmp(name, "--allow") == 0) {
        if (!range_parse(value, &range) || !policy_allow(&range)) fatal("%s: %s?", name, value);
    } else if (strcmp(name, "--deny") == 0) {
        if (!range_parse(value, &range) || !policy_deny(&range)) fatal("%s: %s?", name, value);
    } else if (strcmp(name, "--allow-host") == 0) {
        if (!names_allow(value)) fatal("%s: %s?", name, value);
    } else if (strcmp(name, "--forward") == 0) {
        read_forward(value, options);
    } else {
        fatal("there is no option %s", name);
    }
}

void options_read(char **argv, struct options *options) {
    for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
        if (strcmp(*argv, "--closed") == 0) {
            options->is_closed = true;
            continue;
        }
        if (!argv[1]) fatal("%s needs a value", *argv);
        read_one(argv[0], argv[1], options);
        argv++;
    }
    if (!*argv || !argv[1]) fatal("a program must follow --");
    options->program = argv + 1;
    if (!options->nft || options->guest4.family == 0 || !options->tap_fd || !options->lifeline_fd)
        fatal("--nft, --guest4, --tap-fd and --lifeline-fd must be given");
    if (!options->is_closed && !options->control) fatal("--control must be given");
}
