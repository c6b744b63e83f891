// Puts and gets in progress. They live within one session.
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct put;
struct get;

// Each answers its request by itself, at once when it cannot begin.
void put_start(uint32_t stream, const char *path);
void get_start(uint32_t stream, const char *path);

struct put *put_find(uint32_t stream);
struct get *get_find(uint32_t stream);

// False: broken by the rules of windows.
bool put_content(struct put *put, uint64_t offset, const uint8_t *bytes, size_t count);
bool put_content_eof(struct put *put, uint64_t offset);
bool get_window(struct get *get, uint64_t acked, uint64_t limit);

// Drops a transfer and what it has half made; answers nothing.
void put_end(struct put *put);
void get_end(struct get *get);
void puts_end(void);
void gets_end(void);

// Sends windows owed and answers due.
void puts_send_due(void);
void gets_send_due(void);
int puts_count(void);
int gets_count(void);

static inline void transfers_end(void) {
    puts_end();
    gets_end();
}
static inline void transfers_send_due(void) {
    puts_send_due();
    gets_send_due();
}

#endif
