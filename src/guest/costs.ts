/** Rough costs of a guest's bytes, in microseconds of the daemon's processor time, measured with small pieces (decision 0020). */
export const costs = {
  /** To read a chunk from a socket. */
  chunk: 8,
  /** To handle a frame. */
  frame: 1,
  /** A window may release bytes for the guest, even one byte for each window. */
  window: 12,
  /** To read a piece of mail from its file, and what its log costs more than a large piece of another kind. */
  mail: 85,
  /** To pass bytes on to a connection or a reader. */
  passing: 20,
  /** To write a small piece to a command's log. */
  logging: 60,
  /** To write a piece as large as a busy honest agent's. */
  loggingLarge: 15,
} as const;

/** The size of a busy agent's frames. */
export const LARGE_BYTES = 32_768;

/** Bytes that cost one microsecond more. */
export const BYTES_PER_COST = 4_096;
