#include "queries.h"

#include <string.h>
#include <sys/random.h>

enum { NUMBER_BYTES = 2 }; // the id at the beginning of a message

static struct query {
    const void *by; // NULL for a free place
    uint8_t guest[NUMBER_BYTES], own[NUMBER_BYTES];
} queries[QUERIES_MAX];
static unsigned next; // the oldest is replaced

static struct query *find(const void *by, const uint8_t own[NUMBER_BYTES]) {
    for (int i = 0; i < QUERIES_MAX; i++)
        if (queries[i].by == by && memcmp(queries[i].own, own, NUMBER_BYTES) == 0) return &queries[i];
    return NULL;
}

bool queries_number(const void *by, uint8_t *message, size_t length) {
    struct query query = {.by = by};
    if (length < NUMBER_BYTES) return false;
    memcpy(query.guest, message, NUMBER_BYTES);
    do {
        if (getrandom(query.own, NUMBER_BYTES, GRND_NONBLOCK) != NUMBER_BYTES) return false;
    } while (find(by, query.own));
    memcpy(message, query.own, NUMBER_BYTES);
    queries[next] = query;
    next = (next + 1) % QUERIES_MAX;
    return true;
}

bool queries_restore(const void *by, uint8_t *message, size_t length) {
    struct query *query = length < NUMBER_BYTES ? NULL : find(by, message);
    if (!query) return false;
    memcpy(message, query->guest, NUMBER_BYTES);
    query->by = NULL;
    return true;
}
