// Other rules while the guest runs.
#ifndef UPDATE_H
#define UPDATE_H

#include <stdbool.h>
#include <stddef.h>

enum { UPDATE_BYTES = 32768 };

// Replaces all ranges, names and forwards by those of a text: lines with `allow RANGE`, `deny RANGE`, `allow-host NAME` or
// `forward PORT=ADDRESS:PORT`, and at last `end`. Connections that the new rules do not leave open are ended. False, and nothing changes, for any
// other text. The text is cut into lines.
bool update_apply(char *text, size_t length);

// Takes such texts on a listening socket, and answers `ok` or `no`.
void update_serve(int listener);

#endif
