#include "names.h"

#include <string.h>
#include <strings.h>

#include "loop.h"

enum { LEARNED_MAX = 1024, KEPT_MIN_S = 3600, KEPT_MAX_S = 86400 };

static char patterns[NAMES_MAX][NAME_BYTES];
static int pattern_count;
static struct learned {
    struct address address;
    time_t until;
} learned[LEARNED_MAX];

static bool is_name(const char *name) {
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return length > 0 && length < NAME_BYTES && name[length] == '\0' && name[0] != '.';
}

// The length without the dot that may end a full name: only some programs write it.
static size_t length_of(const char *name) {
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

bool names_is_pattern(const char *text) {
    return strlen(text) < NAME_BYTES && is_name(strncmp(text, "*.", 2) == 0 ? text + 2 : text);
}

bool names_allow(const char *pattern) {
    if (pattern_count == NAMES_MAX || !names_is_pattern(pattern)) return false;
    size_t length = length_of(pattern);
    memcpy(patterns[pattern_count], pattern, length);
    patterns[pattern_count++][length] = '\0';
    return true;
}

void names_clear(void) {
    pattern_count = 0;
    memset(learned, 0, sizeof learned);
}

bool names_are_required(void) { return pattern_count > 0; }

bool names_is_allowed(const char *name) {
    if (!is_name(name)) return false;
    size_t length = length_of(name);
    for (int i = 0; i < pattern_count; i++) {
        const char *pattern = patterns[i];
        bool is_below = pattern[0] == '*';
        size_t wanted = strlen(pattern) - (is_below ? 1 : 0); // with the dot of `*.`
        if (is_below ? length <= wanted : length != wanted) continue;
        if (strncasecmp(name + length - wanted, pattern + (is_below ? 1 : 0), wanted) == 0) return true;
    }
    return false;
}

static bool is_same(const struct address *a, const struct address *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void names_learn(const struct address *address, uint32_t ttl_s) {
    struct learned *place = &learned[0];
    for (int i = 0; i < LEARNED_MAX; i++) {
        if (is_same(&learned[i].address, address)) {
            place = &learned[i];
            break;
        }
        if (learned[i].until < place->until) place = &learned[i];
    }
    time_t kept = ttl_s < KEPT_MIN_S ? KEPT_MIN_S : ttl_s > KEPT_MAX_S ? KEPT_MAX_S : (time_t)ttl_s;
    *place = (struct learned){*address, loop_now() + kept};
    place->address.port = 0;
}

bool names_is_learned(const struct address *address) {
    for (int i = 0; i < LEARNED_MAX; i++)
        if (learned[i].until > loop_now() && is_same(&learned[i].address, address)) return true;
    return false;
}
