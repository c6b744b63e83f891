#include "stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digests.h"
#include "reply.h"

#define FORMAT "%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRId64 ".%ld:%" PRId64 ".%ld:%" PRId64 ".%ld"
#define SCAN "%" SCNu64 ":%" SCNu64 ":%" SCNd64 ":%" SCNd64 ".%ld:%" SCNd64 ".%ld:%" SCNd64 ".%ld"

bool stamp_write(const struct stat *file, struct timespec looked, char stamp[STAMP_MAX_BYTES]) {
    if (!digests_is_calm(file, looked)) return false;
    int length = snprintf(stamp, STAMP_MAX_BYTES, FORMAT, (uint64_t)file->st_dev, (uint64_t)file->st_ino, (int64_t)file->st_size,
                          (int64_t)file->st_mtim.tv_sec, (long)file->st_mtim.tv_nsec, (int64_t)file->st_ctim.tv_sec,
                          (long)file->st_ctim.tv_nsec, (int64_t)looked.tv_sec, (long)looked.tv_nsec);
    return length > 0 && length < STAMP_MAX_BYTES;
}

static bool read_stamp(const char *stamp, struct stat *file, struct timespec *looked) {
    uint64_t device, inode;
    int64_t size, modified, changed, looked_s;
    long modified_ns, changed_ns, looked_ns;
    int count = sscanf(stamp, SCAN, &device, &inode, &size, &modified, &modified_ns, &changed, &changed_ns, &looked_s, &looked_ns);
    memset(file, 0, sizeof *file);
    file->st_dev = (dev_t)device;
    file->st_ino = (ino_t)inode;
    file->st_size = (off_t)size;
    file->st_mtim = (struct timespec){.tv_sec = (time_t)modified, .tv_nsec = modified_ns};
    file->st_ctim = (struct timespec){.tv_sec = (time_t)changed, .tv_nsec = changed_ns};
    *looked = (struct timespec){.tv_sec = (time_t)looked_s, .tv_nsec = looked_ns};
    return count == 9;
}

static bool learn_file(struct json item) {
    struct json value;
    char stamp[STAMP_MAX_BYTES], hex[2 * SHA256_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    struct stat file;
    struct timespec looked;
    bool is_good = json_is_object(item) && json_field(item, "stamp", &value) && json_text(value, stamp, sizeof stamp) > 0 &&
                   read_stamp(stamp, &file, &looked) && json_field(item, "sha256", &value) &&
                   json_text(value, hex, sizeof hex) == 2 * SHA256_BYTES && sha256_parse(hex, digest);
    if (is_good) digests_keep(&file, digest, looked);
    return is_good;
}

void stamp_learn(uint32_t stream, struct json request) {
    struct json files, name, item;
    const char *at = NULL;
    bool is_good = json_field(request, "files", &files) && json_is_array(files);
    while (is_good && json_next(files, &at, &name, &item)) is_good = learn_file(item);
    if (is_good)
        reply_empty(stream);
    else
        reply_error(stream, "BAD_REQUEST", 0, NULL, "`files` must be stamps, each with the SHA-256 in hex");
}
