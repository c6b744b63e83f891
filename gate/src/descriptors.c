#include "descriptors.h"

#include <string.h>
#include <sys/socket.h>

#include "fatal.h"

enum { FDS_MAX = 16 };

void descriptors_send(int socket, const int *fds, int count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)] = {0};
    char present[FDS_MAX] = {0};
    int given[FDS_MAX], given_count = 0;
    for (int i = 0; i < count; i++) {
        present[i] = fds[i] >= 0;
        if (present[i]) given[given_count++] = fds[i];
    }
    size_t size = sizeof(int) * (size_t)given_count;
    struct iovec piece = {present, (size_t)count};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), given, size);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != count) fatal_errno("handing descriptors over");
}

bool descriptors_receive(int socket, int *fds, int count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    char present[FDS_MAX];
    int given[FDS_MAX], next = 0;
    struct iovec piece = {present, (size_t)count};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != count) return false;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS) return false;
    memcpy(given, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    for (int i = 0; i < count; i++) fds[i] = present[i] ? given[next++] : -1;
    return true;
}
