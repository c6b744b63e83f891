#include "dns.h"

#include <string.h>

enum {
    HEADER = 12,
    LABEL_MAX = 63,
    RECORDS_MAX = 128,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    CLASS_IN = 1,
    FLAG_ANSWER = 0x8000,
    FLAG_RECURSE = 0x0100,
    FLAG_RECURSES = 0x0080,
    CODE_NO_NAME = 3,
    OPCODE_AND_KIND = 0xf800,
};

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// Reads the question. Returns the position after it, or 0 unless there is exactly one plain question.
static size_t read_question(const uint8_t *message, size_t length, char name[NAME_BYTES], uint16_t *type) {
    size_t at = HEADER, written = 0;
    if (length < HEADER || get16(message + 4) != 1) return 0;
    for (;;) {
        if (at >= length) return 0;
        size_t label = message[at++];
        if (label == 0) break;
        if (label > LABEL_MAX || label > length - at || written + label + 1 >= NAME_BYTES) return 0;
        for (size_t i = 0; i < label; i++) {
            // A dot inside a label would turn it into another name.
            uint8_t byte = message[at + i];
            name[written++] = byte == '.' || byte == '\0' ? '?' : (char)byte;
        }
        name[written++] = '.';
        at += label;
    }
    if (written == 0 || length - at < 4 || get16(message + at + 2) != CLASS_IN) return 0;
    name[written - 1] = '\0';
    *type = get16(message + at);
    return at + 4;
}

enum dns_verdict dns_judge(uint8_t *message, size_t *length, char name[NAME_BYTES]) {
    uint16_t type;
    size_t end = read_question(message, *length, name, &type);
    if (end == 0 || (get16(message + 2) & OPCODE_AND_KIND) != 0) return DNS_BROKEN;
    enum dns_verdict verdict = !names_is_allowed(name)                   ? DNS_UNKNOWN
                               : type == TYPE_A || type == TYPE_AAAA ? DNS_PASS
                                                                         : DNS_NOTHING;
    unsigned answer = FLAG_ANSWER | FLAG_RECURSE | FLAG_RECURSES | (verdict == DNS_UNKNOWN ? CODE_NO_NAME : 0);
    put16(message + 2, verdict == DNS_PASS ? FLAG_RECURSE : answer);
    memset(message + 6, 0, 6);
    *length = end;
    return verdict;
}

// Skips a record's name. Returns the position after it, or 0.
static size_t skip_name(const uint8_t *message, size_t length, size_t at) {
    while (at < length) {
        size_t label = message[at];
        if (label == 0) return at + 1;
        if (label >= 0xc0) return at + 2; // a pointer: the rest of the name is elsewhere
        if (label > LABEL_MAX) return 0;
        at += label + 1;
    }
    return 0;
}

bool dns_learn(const uint8_t *message, size_t length) {
    char name[NAME_BYTES];
    uint16_t type;
    size_t at = read_question(message, length, name, &type);
    if (at == 0 || (get16(message + 2) & OPCODE_AND_KIND) != FLAG_ANSWER || !names_is_allowed(name)) return false;
    int records = get16(message + 6);
    for (int i = 0; i < records && i < RECORDS_MAX; i++) {
        at = skip_name(message, length, at);
        if (at == 0 || at > length || length - at < 10) return false;
        uint16_t kind = get16(message + at), size = get16(message + at + 8);
        bool is_internet = get16(message + at + 2) == CLASS_IN;
        uint32_t ttl = (uint32_t)get16(message + at + 4) << 16 | get16(message + at + 6);
        at += 10;
        if (size > length - at) return false;
        struct address address = {0};
        if (is_internet && kind == TYPE_A && size == 4) address = address_v4(message + at, 0);
        if (is_internet && kind == TYPE_AAAA && size == 16) address = address_v6(message + at, 0);
        if (address.family != 0) names_learn(&address, ttl);
        at += size;
    }
    return true;
}
