import { createHash } from "node:crypto";

import { limits } from "../contract/limits.js";
import type { Holes } from "../host/data-pieces.js";
import { nextTurn } from "../host/next-turn.js";
import type { BaseContent } from "./base-content.js";

/** Content that is collected before it is written. */
const BATCH_BYTES = 4_194_304;
/** A sparse file that is longer is not hashed: its zeros would take the processor longer than its data takes to arrive. */
const MOST_SPARSE_BYTES = 4_294_967_296;
const ZEROS = Buffer.alloc(1_048_576);
/** Zeros that are hashed before other work of the process has a turn. */
const TURN_BYTES = 8 * ZEROS.length;

/** Keeps the content of files that pass through it, for later diffs with the base. */
export class ContentKeeper {
  readonly #content: BaseContent;
  #batch: { digest: string; bytes: Buffer }[] = [];
  #batchBytes = 0;

  constructor(content: BaseContent) {
    this.#content = content;
  }

  /**
   * Passes a file's content on, and keeps it when all of it has passed. `onEnd` gets its length and SHA-256. With `holes`, the content is the data
   * of a sparse file, and what is kept is all of it; a very long one is neither kept nor hashed, and has no `onEnd`.
   */
  async *pass(
    content: AsyncIterable<Buffer>,
    onEnd: (sizeBytes: number, digest: string) => void = () => {},
    holes: Holes | null = null,
  ): AsyncGenerator<Buffer> {
    if (holes !== null && holes.sizeBytes > MOST_SPARSE_BYTES) return yield* content;
    const hash = createHash("sha256");
    let kept: Buffer[] | null = [];
    let sizeBytes = 0;
    const add = (bytes: Buffer) => {
      hash.update(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes > limits.baseContentFileBytes) kept = null;
      kept?.push(bytes);
    };
    for await (const bytes of content) {
      if (holes !== null) await addZeros(holes.take(bytes.length), add);
      add(bytes);
      yield bytes;
    }
    if (holes !== null) await addZeros(holes.rest(), add);
    const digest = hash.digest("hex");
    this.#keep(digest, kept);
    onEnd(sizeBytes, digest);
    if (this.#batchBytes >= BATCH_BYTES) await this.flush();
  }

  #keep(digest: string, kept: readonly Buffer[] | null): void {
    if (kept === null) return;
    const bytes = Buffer.concat(kept);
    this.#batch.push({ digest, bytes });
    this.#batchBytes += bytes.length;
  }

  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#content.add(batch);
  }
}

async function addZeros(count: number, add: (bytes: Buffer) => void): Promise<void> {
  let sinceTurn = 0;
  for (let left = count; left > 0; left -= ZEROS.length) {
    const bytes = ZEROS.subarray(0, left);
    add(bytes);
    sinceTurn += bytes.length;
    if (sinceTurn < TURN_BYTES) continue;
    await nextTurn();
    sinceTurn = 0;
  }
}
