// A control group for each job of a VM. Every process that a command starts stays in it, even with another session, group or parent.
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    int fd; // its directory; -1 without one
    uint32_t number;
};

// Call it once, with the mount point of the hierarchy. Without a hierarchy, or on a kernel that lacks a feature, jobs have no group.
void cgroup_open(const char *mount_point);

// A group for one job.
struct cgroup cgroup_take(void);

// Kills everything in it, unfinished forks included. False when there is no group.
bool cgroup_kill(const struct cgroup *group);

bool cgroup_is_empty(const struct cgroup *group);

// True when the kernel has killed a process of it because memory ran out.
bool cgroup_was_oom_killed(const struct cgroup *group);

// Releases the group: it is removed now, or when its processes have ended.
void cgroup_leave(struct cgroup *group);

#endif
