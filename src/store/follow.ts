import type { OutputLog } from "./output-log.js";
import type { Chunk } from "./recent-chunks.js";

export interface FollowOptions {
  /** The first requested byte. */
  readonly from: number;
  /** An abort ends the following without an error. A follower that may wait for long needs it to leave. */
  readonly signal?: AbortSignal;
  /** True: the follower gets every further byte, and the writer waits for it. False: a slow follower skips bytes. */
  readonly blocking?: boolean;
}

const CHUNK_BYTES = 262_144;

/** The bytes of a log from a cursor on, as they arrive, until the log ends. Requesting the next chunk acknowledges the previous one. */
export async function* follow(log: OutputLog, options: FollowOptions): AsyncGenerator<Chunk, void, undefined> {
  const { from, signal, blocking = false } = options;
  if (signal?.aborted) return;
  const place = blocking ? log.attach(from) : null;
  const leave = () => place?.leave();
  // Acknowledged at once, even while the follower works on a chunk: the writer may be waiting.
  signal?.addEventListener("abort", leave, { once: true });
  let offset = from;
  try {
    for (;;) {
      const chunk = await log.read(offset, CHUNK_BYTES);
      if (signal?.aborted) return;
      if (chunk === null) {
        if (log.isFinal && offset >= log.totalBytes) return;
        await log.changed(offset, signal);
        if (signal?.aborted) return;
        continue;
      }
      yield chunk;
      offset = chunk.offset + chunk.bytes.length;
      place?.advance(offset);
    }
  } finally {
    signal?.removeEventListener("abort", leave);
    leave();
  }
}
