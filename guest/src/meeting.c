#include "meeting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

enum { FIRST_ROOM = 256 };

bool meeting_add(struct merge *merge, const char *folder, const char *name) {
    size_t room = strlen(folder) + strlen(name) + 2;
    struct meeting *meeting = room > PATH_MAX ? NULL : calloc(1, sizeof *meeting + room);
    if (!meeting) {
        errno = room > PATH_MAX ? ENAMETOOLONG : ENOMEM;
        return false;
    }
    snprintf(meeting->path, room, "%s%s%s", folder, *folder ? "/" : "", name);
    meeting->before = merge->last;
    if (merge->last)
        merge->last->following = meeting;
    else
        merge->first = meeting;
    merge->last = meeting;
    return true;
}

void meetings_free(struct merge *merge) {
    for (struct meeting *meeting = merge->first, *following; meeting; meeting = following) {
        following = meeting->following;
        free(meeting->steps);
        free(meeting);
    }
    merge->first = merge->last = NULL;
}

bool meeting_open(const struct merge *merge, const struct meeting *meeting, struct meeting_fds *fds) {
    fds->staged = beneath_open(merge->tree, meeting->path, O_RDONLY | O_DIRECTORY);
    fds->place = fds->staged < 0 ? -1 : beneath_open(merge->root, meeting->path, O_RDONLY | O_DIRECTORY);
    if (fds->place >= 0) return true;
    int error = errno;
    if (fds->staged >= 0) close(fds->staged);
    errno = error;
    return false;
}

void meeting_close(struct meeting_fds fds) {
    close(fds.staged);
    close(fds.place);
}

bool meeting_add_step(struct meeting *meeting, enum step step, const char *name) {
    size_t length = strlen(name), need = meeting->steps_used + length + 2;
    if (need > meeting->steps_room) {
        size_t room = meeting->steps_room ? meeting->steps_room : FIRST_ROOM;
        while (room < need) room *= 2;
        char *steps = realloc(meeting->steps, room);
        if (!steps) return false;
        meeting->steps = steps;
        meeting->steps_room = room;
    }
    char *at = meeting->steps + meeting->steps_used;
    *at = (char)step;
    memcpy(at + 1, name, length + 1);
    meeting->steps_used = need;
    return true;
}

char *meeting_pop_step(struct meeting *meeting) {
    if (meeting->steps_used == 0) return NULL;
    size_t at = meeting->steps_used - 1;
    while (at > 0 && meeting->steps[at - 1]) at--;
    meeting->steps_used = at;
    return meeting->steps + at;
}

bool meeting_is_closed(const struct meeting *meeting) { return (meeting->mode & 0700) != 0700; }

bool meeting_let_in(const struct meeting *meeting, int fd) {
    return !meeting_is_closed(meeting) || fchmod(fd, meeting->mode | 0700) == 0;
}
