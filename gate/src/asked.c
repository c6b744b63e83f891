#include "asked.h"

#include <string.h>
#include <sys/random.h>

enum { NUMBER_BYTES = 2 }; // where a message begins

static struct asked {
    const void *by; // NULL for a free place
    uint8_t guest[NUMBER_BYTES], own[NUMBER_BYTES];
} asked[ASKED_MAX];
static unsigned next; // the oldest is replaced

static struct asked *find(const void *by, const uint8_t own[NUMBER_BYTES]) {
    for (int i = 0; i < ASKED_MAX; i++)
        if (asked[i].by == by && memcmp(asked[i].own, own, NUMBER_BYTES) == 0) return &asked[i];
    return NULL;
}

bool asked_number(const void *by, uint8_t *message, size_t length) {
    struct asked question = {.by = by};
    if (length < NUMBER_BYTES) return false;
    memcpy(question.guest, message, NUMBER_BYTES);
    do {
        if (getrandom(question.own, NUMBER_BYTES, GRND_NONBLOCK) != NUMBER_BYTES) return false;
    } while (find(by, question.own));
    memcpy(message, question.own, NUMBER_BYTES);
    asked[next] = question;
    next = (next + 1) % ASKED_MAX;
    return true;
}

bool asked_restore(const void *by, uint8_t *message, size_t length) {
    struct asked *question = length < NUMBER_BYTES ? NULL : find(by, message);
    if (!question) return false;
    memcpy(message, question->guest, NUMBER_BYTES);
    question->by = NULL;
    return true;
}
