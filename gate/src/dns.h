// Questions for names and their answers, as far as the gate has a say in them.
#ifndef DNS_H
#define DNS_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"

enum dns_verdict {
    DNS_BROKEN,  // not one plain question: dropped
    DNS_PASS,    // asks for an address of an allowed name
    DNS_NOTHING, // asks for something else of an allowed name
    DNS_UNKNOWN, // asks for a name that is not allowed
};

// Checks a question, and cuts off bytes after it. If the question may not pass, `message` becomes the answer.
enum dns_verdict dns_judge(uint8_t *message, size_t *length, char name[NAME_BYTES]);

// Records the addresses in a resolver's answer. False when the answer belongs to no allowed question.
bool dns_learn(const uint8_t *message, size_t length);

#endif
