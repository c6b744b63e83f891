// The user with whose rights the agent works on files.
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "json.h"

enum { USER_GROUPS_MAX = 64 };

struct user {
    bool is_other; // than the agent's own
    uid_t uid;
    gid_t gid;
    int group_count;
    gid_t groups[USER_GROUPS_MAX];
};

// The facts about a user that its commands get as variables.
struct account {
    char name[128];
    char home[4096];
    char shell[4096];
};

// The account of a number: that of its line in /etc/passwd, else the number as a name, `/` and /bin/sh.
void user_find_account(uid_t uid, struct account *account);

// Whether the agent can act as any user: root can, unless a sandbox took that right.
bool user_is_able(void);

// Reads the field `user`: a name or number of the guest, and perhaps `:` and a group. Without the field it is the agent's own user.
// False when no such user exists or the agent cannot act as it; then it sends an error on the stream.
bool user_read(uint32_t stream, struct json request, struct user *user);

// The following calls of this process on files have the rights of this user, and files that they make belong to it.
void user_become(const struct user *user);
// The user of the last user_become.
const struct user *user_acting(void);

extern const struct user user_own;

#endif
