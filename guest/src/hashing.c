#include "hashing.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "session.h"

enum { PART_BYTES = 16384 };

bool hashing_begin(struct hashing *hashing, int folder, const char *name) {
    hashing->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (hashing->fd < 0) return false;
    if (fstat(hashing->fd, &hashing->before) == 0 && S_ISREG(hashing->before.st_mode)) {
        hashing->left = hashing->before.st_size;
        sha256_begin(&hashing->sha);
        return true;
    }
    close(hashing->fd);
    hashing->fd = -1;
    return false;
}

bool hashing_go_on(struct hashing *hashing) {
    size_t want = hashing->left < PART_BYTES ? (size_t)hashing->left : PART_BYTES;
    ssize_t got = want ? read(hashing->fd, session_scratch, want) : 0;
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    sha256_add(&hashing->sha, session_scratch, (size_t)got);
    hashing->left -= got;
    return hashing->left > 0;
}

static bool is_equal(struct timespec a, struct timespec b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool hashing_is_same(const struct stat *before, const struct stat *now) {
    return now->st_size == before->st_size && is_equal(now->st_mtim, before->st_mtim) && is_equal(now->st_ctim, before->st_ctim);
}

bool hashing_end(struct hashing *hashing, uint8_t digest[SHA256_BYTES]) {
    struct stat now;
    const struct stat *before = &hashing->before;
    bool is_same = hashing->left == 0 && fstat(hashing->fd, &now) == 0 && hashing_is_same(before, &now);
    close(hashing->fd);
    hashing->fd = -1;
    sha256_end(&hashing->sha, digest);
    return is_same;
}
