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

// Looks at a question, and cuts off what the guest has put behind it. Unless it may pass, `message` becomes the answer.
enum dns_verdict dns_judge(uint8_t *message, size_t *length, char name[NAME_BYTES]);

// Learns the addresses in a resolver's answer. False when it is none to a question that may pass.
bool dns_learn(const uint8_t *message, size_t length);

#endif
