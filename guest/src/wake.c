#include "wake.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base64.h"
#include "connections.h"
#include "kernel.h"
#include "network.h"
#include "protocol.h"
#include "reply.h"
#include "request.h"
#include "write_file.h"

enum { HOSTNAME_MAX = 63, MACHINE_ID_DIGITS = 32 };
// More than the driver and the kernel above it read at once.
enum { RANDOM_AHEAD_BYTES = 256 };

struct identity {
    uint8_t entropy[ENTROPY_MAX_BYTES];
    ssize_t entropy_bytes;
    int64_t time_s, time_ns;
    bool is_named;
    char hostname[HOSTNAME_MAX + 1];
    char machine_id[MACHINE_ID_DIGITS + 1];
    struct network network;
};

static bool is_hostname(const char *name) {
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    return length > 0 && name[length] == '\0' && name[0] != '-' && name[0] != '.';
}

static bool is_machine_id(const char *id) {
    return strspn(id, "0123456789abcdef") == MACHINE_ID_DIGITS && id[MACHINE_ID_DIGITS] == '\0';
}

// A request without both names keeps those that the files of the guest have.
static const char *read_names(struct json request, struct identity *identity) {
    struct json hostname, machine_id;
    bool has_hostname = json_field(request, "hostname", &hostname);
    bool has_machine_id = json_field(request, "machine_id", &machine_id);
    identity->is_named = has_hostname || has_machine_id;
    if (!identity->is_named) return NULL;
    if (!has_hostname || json_text(hostname, identity->hostname, sizeof identity->hostname) < 0 ||
        !is_hostname(identity->hostname))
        return "`hostname` must be 1 to 63 of a-z A-Z 0-9 - .";
    if (!has_machine_id || json_text(machine_id, identity->machine_id, sizeof identity->machine_id) < 0 ||
        !is_machine_id(identity->machine_id))
        return "`machine_id` must be 32 hex digits in lower case";
    return NULL;
}

static const char *read_identity(struct json request, struct identity *identity) {
    struct json value;
    char text[ENTROPY_MAX_BYTES / 3 * 4 + 8];
    ssize_t length = json_field(request, "entropy", &value) ? json_text(value, text, sizeof text) : -1;
    identity->entropy_bytes = length < 0 ? -1 : base64_decode(text, (size_t)length, identity->entropy, ENTROPY_MAX_BYTES);
    if (identity->entropy_bytes < ENTROPY_MIN_BYTES) return "`entropy` must be base64 of 32 to 256 bytes";
    if (!json_field(request, "time_s", &value) || !json_integer(value, 0, INT64_C(1) << 40, &identity->time_s))
        return "`time_s` must be seconds since 1970";
    if (!json_field(request, "time_ns", &value) || !json_integer(value, 0, 999999999, &identity->time_ns))
        return "`time_ns` must be 0 to 999999999";
    const char *problem = read_names(request, identity);
    return problem ? problem : network_read(request, &identity->network);
}

static bool add_entropy(const struct identity *identity) {
    struct {
        int bits;
        int bytes;
        uint8_t pool[ENTROPY_MAX_BYTES];
    } pool = {(int)identity->entropy_bytes * 8, (int)identity->entropy_bytes, {0}};
    memcpy(pool.pool, identity->entropy, (size_t)identity->entropy_bytes);
    int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    bool is_done = ioctl(fd, (int)ADD_ENTROPY, &pool) == 0 && ioctl(fd, (int)RESEED_CRNG) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return is_done;
}

// The driver reads ahead, so each VM that continues one state would find the same bytes in /dev/hwrng. Without the device there is nothing to do.
static void drop_random_ahead(void) {
    char dropped[RANDOM_AHEAD_BYTES];
    int fd = open("/dev/hwrng", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    while (read(fd, dropped, sizeof dropped) < 0 && errno == EINTR) {}
    close(fd);
}

static bool write_names(const struct identity *identity, const char **failed) {
    char text[256];
    snprintf(text, sizeof text, "%s\n", identity->hostname);
    if (!write_file(*failed = "/etc/hostname", text)) return false;
    snprintf(text, sizeof text, "127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n",
             identity->hostname);
    if (!write_file(*failed = "/etc/hosts", text)) return false;
    snprintf(text, sizeof text, "%s\n", identity->machine_id);
    return write_file(*failed = "/etc/machine-id", text);
}

bool wake(uint32_t stream, struct json request, bool is_fork) {
    struct identity identity;
    const char *problem = read_identity(request, &identity), *failed = NULL;
    if (problem) {
        reply_error(stream, "BAD_REQUEST", 0, NULL, problem);
        return false;
    }
    struct timespec now = {.tv_sec = (time_t)identity.time_s, .tv_nsec = (long)identity.time_ns};
    bool is_init = request_is_init();
    // As a plain process on a person's machine the agent leaves that machine's identity alone.
    bool is_sandboxed = is_init || getpid() == 1;
    bool is_done = !is_init || (add_entropy(&identity) && clock_settime(CLOCK_REALTIME, &now) == 0);
    if (is_init && is_done) drop_random_ahead();
    if (is_sandboxed && identity.is_named) {
        bool is_named = sethostname(identity.hostname, strlen(identity.hostname)) == 0;
        is_done = is_done && (is_named || !is_init);
        if (is_done || !is_init) is_done = write_names(&identity, &failed) || !is_init;
    }
    // Without a network no connection leaves the VM.
    bool has_network = is_done && is_init && identity.network.is_wanted;
    if (has_network && is_fork) connections_end();
    if (has_network) is_done = network_apply(&identity.network, &failed);
    if (is_done)
        reply_empty(stream);
    else
        reply_error(stream, "IO", errno, failed, "waking failed");
    return is_done;
}
