// DNS questions and answers: the parts that the gate checks.
#ifndef DNS_H
#define DNS_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"

enum dns_verdict {
    DNS_BROKEN,  // not one plain question: dropped
    DNS_PASS,    // a question for an address of an allowed name
    DNS_NOTHING, // a question for another record of an allowed name
    DNS_UNKNOWN, // a question for a name that is not allowed
};

// Checks a question, and cuts off bytes after it. If the question may not pass, `message` becomes the answer.
enum dns_verdict dns_judge(uint8_t *message, size_t *length, char name[NAME_BYTES]);

// Records the addresses in a resolver's answer. False when the answer belongs to no allowed question.
bool dns_learn(const uint8_t *message, size_t length);

#endif
