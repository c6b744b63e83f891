// A question for a name, as it is sent.
#ifndef QUESTION_H
#define QUESTION_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t write_question(uint8_t *message, const char *name, int type) {
    size_t at = 12;
    memcpy(message, "\x12\x34\x01\x00\0\x01\0\0\0\0\0\0", 12);
    while (*name) {
        size_t label = strcspn(name, ".");
        message[at++] = (uint8_t)label;
        memcpy(message + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    memcpy(message + at, "\0\0\0\0\1", 5);
    message[at + 2] = (uint8_t)type;
    return at + 5;
}

#endif
