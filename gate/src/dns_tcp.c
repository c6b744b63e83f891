#include "dns_tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counters.h"
#include "dns.h"
#include "loop.h"

enum { IDLE_S = 30, PREFIX = 2, NUMBER = 2, MESSAGE_MAX = 65535 };

enum end { GUEST, WORLD };

// One question at a time: read completely, sent to the resolver, and its answer read completely and returned.
struct talk {
    struct end_watch {
        struct watch watch;
        struct talk *talk;
        int fd;
    } ends[2];
    enum { TALK_NONE, TALK_QUESTION, TALK_ANSWER, TALK_GIVING } state;
    struct address to;
    time_t used_at;
    uint8_t number[NUMBER]; // the guest's
    size_t given, count;    // of the message, with its length in front
    uint8_t message[PREFIX + MESSAGE_MAX];
};

static struct talk talks[DNS_TCP_MAX];

static void end_talk(struct talk *talk) {
    for (int i = 0; i < 2; i++) {
        loop_remove(talk->ends[i].fd, &talk->ends[i].watch);
        close(talk->ends[i].fd);
    }
    talk->state = TALK_NONE;
}

static size_t length_of(const struct talk *talk) {
    return PREFIX + (talk->count < PREFIX ? 0 : (size_t)(talk->message[0] << 8 | talk->message[1]));
}

static void set_length(struct talk *talk, size_t length) {
    talk->message[0] = (uint8_t)(length >> 8);
    talk->message[1] = (uint8_t)length;
    talk->count = PREFIX + length;
}

static void begin(struct talk *talk, int state) {
    talk->state = state;
    talk->given = 0;
    if (state != TALK_GIVING) talk->count = 0;
}

// Sends an allowed question with the gate's id, and answers every other question itself.
static bool ask(struct talk *talk) {
    char name[NAME_BYTES];
    size_t length = talk->count - PREFIX;
    uint8_t *message = talk->message + PREFIX;
    enum dns_verdict verdict = dns_judge(message, &length, name);
    if (verdict == DNS_UNKNOWN || verdict == DNS_BROKEN)
        counters_refuse("dns", &talk->to, VERDICT_NAME, verdict == DNS_UNKNOWN ? name : NULL);
    if (verdict == DNS_BROKEN) return false;
    set_length(talk, length);
    if (verdict != DNS_PASS) return begin(talk, TALK_GIVING), true;
    memcpy(talk->number, message, NUMBER);
    memset(message, 0, NUMBER);
    if (send(talk->ends[WORLD].fd, talk->message, talk->count, MSG_NOSIGNAL) != (ssize_t)talk->count) return false;
    counters.sent_bytes += talk->count;
    return begin(talk, TALK_ANSWER), true;
}

static bool learn(struct talk *talk) {
    static const uint8_t ours[NUMBER];
    uint8_t *message = talk->message + PREFIX;
    size_t length = talk->count - PREFIX;
    if (length < NUMBER || memcmp(message, ours, NUMBER) != 0 || !dns_learn(message, length)) return false;
    memcpy(message, talk->number, NUMBER);
    counters.received_bytes += talk->count;
    return begin(talk, TALK_GIVING), true;
}

// Reads a part of a message, and handles a complete one.
static bool hear(struct talk *talk, enum end from, bool (*done)(struct talk *talk)) {
    while (talk->count < PREFIX || talk->count < length_of(talk)) {
        ssize_t length = recv(talk->ends[from].fd, talk->message + talk->count, length_of(talk) - talk->count, 0);
        if (length <= 0) return length < 0 && errno == EAGAIN;
        talk->count += (size_t)length;
    }
    return done(talk);
}

static bool give(struct talk *talk) {
    ssize_t sent = send(talk->ends[GUEST].fd, talk->message + talk->given, talk->count - talk->given, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    talk->given += (size_t)sent;
    if (talk->given == talk->count) begin(talk, TALK_QUESTION);
    return true;
}

static void listen_to(struct talk *talk) {
    static const uint32_t guest[] = {[TALK_QUESTION] = EPOLLIN, [TALK_ANSWER] = 0, [TALK_GIVING] = EPOLLOUT};
    // A resolver sends only after a question, and may close at any time.
    uint32_t world = talk->state == TALK_GIVING ? 0 : EPOLLIN;
    loop_change(talk->ends[GUEST].fd, guest[talk->state], &talk->ends[GUEST].watch);
    loop_change(talk->ends[WORLD].fd, world, &talk->ends[WORLD].watch);
}

static void progress(struct watch *watch, uint32_t events) {
    struct end_watch *woken = AROUND(watch, struct end_watch, watch);
    struct talk *talk = woken->talk;
    bool is_guest = woken == &talk->ends[GUEST], is_whole = (events & (EPOLLERR | EPOLLHUP)) == 0;
    talk->used_at = loop_now();
    if (is_whole && talk->state == TALK_QUESTION) is_whole = is_guest && hear(talk, GUEST, ask);
    else if (is_whole && talk->state == TALK_ANSWER) is_whole = is_guest || hear(talk, WORLD, learn);
    else if (is_whole) is_whole = give(talk);
    if (!is_whole) return end_talk(talk);
    listen_to(talk);
}

void dns_tcp_join(int guest, int world, const struct address *to) {
    struct talk *talk = talks;
    while (talk < talks + DNS_TCP_MAX && talk->state != TALK_NONE) talk++;
    if (talk == talks + DNS_TCP_MAX) {
        counters_refuse("tcp", to, VERDICT_LIMIT, NULL);
        close(guest);
        close(world);
        return;
    }
    talk->to = *to;
    talk->used_at = loop_now();
    talk->ends[GUEST] = (struct end_watch){{progress}, talk, guest};
    talk->ends[WORLD] = (struct end_watch){{progress}, talk, world};
    begin(talk, TALK_QUESTION);
    if (!loop_add(guest, EPOLLIN, &talk->ends[GUEST].watch) || !loop_add(world, EPOLLIN, &talk->ends[WORLD].watch)) end_talk(talk);
}

static void end_idle(time_t now) {
    for (int i = 0; i < DNS_TCP_MAX; i++)
        if (talks[i].state != TALK_NONE && now - talks[i].used_at > IDLE_S) end_talk(&talks[i]);
}

void dns_tcp_open(void) { loop_every_second(end_idle); }
