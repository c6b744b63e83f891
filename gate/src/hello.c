#include <string.h>

#include "inspect.h"

enum { RECORD_HANDSHAKE = 22, HELLO = 1, RECORD_MAX = 16384, EXTENSION_NAME = 0, RANDOM_BYTES = 32 };

// Takes a piece from the front of the message. `is_whole` becomes false when the message is too short.
struct reader {
    const uint8_t *at;
    size_t left;
    bool is_whole;
};

static const uint8_t *take(struct reader *reader, size_t count) {
    const uint8_t *taken = reader->at;
    if (count > reader->left) {
        *reader = (struct reader){0};
        return NULL;
    }
    reader->at += count;
    reader->left -= count;
    return taken;
}

static size_t take_number(struct reader *reader, int bytes) {
    const uint8_t *at = take(reader, (size_t)bytes);
    size_t number = 0;
    for (int i = 0; at && i < bytes; i++) number = number << 8 | at[i];
    return number;
}

// Takes a part whose length comes before it.
static struct reader take_part(struct reader *reader, int length_bytes) {
    size_t length = take_number(reader, length_bytes);
    const uint8_t *at = reader->is_whole ? take(reader, length) : NULL;
    return (struct reader){at, at ? length : 0, at != NULL};
}

static bool read_server_name(struct reader extension, char name[NAME_BYTES]) {
    struct reader list = take_part(&extension, 2);
    if (!list.is_whole || extension.left != 0 || take_number(&list, 1) != 0) return false;
    struct reader host = take_part(&list, 2);
    if (!host.is_whole || host.left >= NAME_BYTES || list.left != 0 || memchr(host.at, '\0', host.left)) return false;
    memcpy(name, host.at, host.left);
    name[host.left] = '\0';
    return true;
}

static int read_hello(struct reader record, char name[NAME_BYTES]) {
    if (take_number(&record, 1) != HELLO) return -1;
    struct reader hello = take_part(&record, 3); // only an evading client splits a hello into records
    take(&hello, 2 + RANDOM_BYTES);
    take_part(&hello, 1);
    take_part(&hello, 2);
    take_part(&hello, 1);
    struct reader extensions = take_part(&hello, 2);
    if (record.left != 0 || hello.left != 0) return -1; // a second hello, or bytes that servers read differently
    int found = 0;
    while (extensions.is_whole && extensions.left > 0) {
        size_t type = take_number(&extensions, 2);
        struct reader extension = take_part(&extensions, 2);
        if (!extension.is_whole) return -1;
        if (type == EXTENSION_NAME && (found++ > 0 || !read_server_name(extension, name))) return -1;
    }
    return extensions.is_whole && found == 1 ? 1 : -1;
}

int hello_read_name(const uint8_t *bytes, size_t count, char name[NAME_BYTES]) {
    if (count < 5) return 0;
    size_t length = (size_t)(bytes[3] << 8 | bytes[4]);
    if (bytes[0] != RECORD_HANDSHAKE || bytes[1] != 3 || length > RECORD_MAX) return -1;
    if (count < 5 + length) return 0;
    return read_hello((struct reader){bytes + 5, length, true}, name);
}
