// Stages and gets. They live within one session.
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stage;
struct get;

// Each answers its request by itself, at once when it cannot begin.
void stage_start(uint32_t stream, const char *path, const char *id, bool is_dry);
void get_start(uint32_t stream, const char *path);

struct stage *stage_find(uint32_t stream);
struct get *get_find(uint32_t stream);

// False: broken by the rules of windows.
bool stage_content(struct stage *stage, uint64_t offset, const uint8_t *bytes, size_t count);
// The same, of bytes that lie in the mailbox.
bool stage_mail(struct stage *stage, uint64_t offset, uint64_t at, uint32_t length);
bool stage_content_eof(struct stage *stage, uint64_t offset);
bool get_window(struct get *get, uint64_t acked, uint64_t limit);

// Drops a transfer and what it has half made; answers nothing.
void stage_end(struct stage *stage);
void get_end(struct get *get);
void stages_end(void);
void gets_end(void);

// Sends windows owed and answers due.
void stages_send_due(void);
void gets_send_due(void);
int stages_count(void);
int gets_count(void);

// Removes what stages of an earlier life have left.
void stages_sweep(void);

static inline void transfers_end(void) {
    stages_end();
    gets_end();
}
static inline void transfers_send_due(void) {
    stages_send_due();
    gets_send_due();
}

#endif
