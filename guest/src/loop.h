// One epoll set and everything that waits in it.
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum loop_kind { LOOP_SESSION, LOOP_LISTENER, LOOP_SIGNALS, LOOP_STDIN, LOOP_STDOUT, LOOP_STDERR, LOOP_SHEPHERD, LOOP_TUNNEL, LOOP_DRAIN };

// The agent's reaction when its peer has closed.
enum loop_end { LOOP_END_WAITS, LOOP_END_EXITS };

void loop_open(enum loop_end end);
void loop_watch(int fd, uint32_t events, enum loop_kind kind, uint32_t id);
void loop_rewatch(int fd, uint32_t events, enum loop_kind kind, uint32_t id);
void loop_listen(int fd);

// Reads `fd` to its end and drops the bytes.
void loop_drain(int fd);

// Called when the peer has hung up.
void loop_session_over(void);

// Ends the loop once the queue is written, or after a second.
void loop_stop_soon(void);

// Takes note of every child that has ended.
void loop_reap(void);

void loop_run(void);

uint64_t now_ms(void);

#endif
