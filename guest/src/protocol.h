// The numbers of protocol version 1; protocol/v1.json says the same and a test compares the two.
#ifndef PROTOCOL_H
#define PROTOCOL_H

enum {
    PROTOCOL_VERSION = 1,

    FRAME_HEADER_BYTES = 12,
    FRAME_TAG_BYTES = 4,
    PAYLOAD_MAX_BYTES = 65536,
    FRAME_MAX_BYTES = 65552,
    MAGIC_BYTES = 16,
    NONCE_BYTES = 16,

    TYPE_HELLO = 1,
    TYPE_REQUEST = 2,
    TYPE_RESPONSE = 3,
    TYPE_DATA = 4,
    TYPE_EOF = 5,
    TYPE_WINDOW = 6,
    TYPE_EXIT = 7,

    CHANNEL_STDIN = 0,
    CHANNEL_STDOUT = 1,
    CHANNEL_STDERR = 2,
    CHANNEL_CONTENT = 3,

    DATA_HEADER_BYTES = 9,
    WINDOW_PAYLOAD_BYTES = 17,

    JOBS_MAX = 256,
    TRANSFERS_MAX = 16,
    OUTPUT_HELD_MAX_BYTES = 262144,
    INPUT_GRANT_MAX_BYTES = 262144,
    TURN_MAX_BYTES = 32768,
    JSON_DEPTH_MAX = 8,
    RECORD_HEADER_MAX_BYTES = 16384,
    ENTROPY_MIN_BYTES = 32,
    ENTROPY_MAX_BYTES = 256,
    END_GRACE_MS = 100,
};

#define SYNC_MAGIC "\x89PYROSYNC\r\n\x1a\n\x00\x01\xff"
#define BACK_MAGIC "\x89PYROBACK\r\n\x1a\n\x00\x01\xff"

#endif
