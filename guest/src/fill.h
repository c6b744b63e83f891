// A staged file while its content is written. Blocks of zeros are left out, so that a sparse file stays one.
#ifndef FILL_H
#define FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fill {
    int fd; // -1: no file is open
    int64_t bytes;     // written or left out
    size_t pending;    // zeros behind them, less than a block, that may become a part of a hole
    bool is_direct;    // past the page cache
    bool ends_in_hole; // fill_end sets the length of the file
};

void fill_open(struct fill *fill, int fd);

// Both return false with errno.
bool fill_write(struct fill *fill, const uint8_t *bytes, size_t size);
bool fill_end(struct fill *fill);

#endif
