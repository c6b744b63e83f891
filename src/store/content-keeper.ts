import { createHash } from "node:crypto";

import { limits } from "../contract/limits.js";
import type { BaseContent } from "./base-content.js";

/** Content that is collected before it is written. */
const BATCH_BYTES = 4_194_304;

/** Keeps contents for the diffs of a base while they pass through. */
export class ContentKeeper {
  readonly #content: BaseContent;
  #batch: { digest: string; bytes: Buffer }[] = [];
  #batchBytes = 0;

  constructor(content: BaseContent) {
    this.#content = content;
  }

  /** Passes a file's content on, and keeps it when all of it has passed. `onEnd` gets its length and SHA-256. */
  async *pass(
    content: AsyncIterable<Buffer>,
    onEnd: (sizeBytes: number, digest: string) => void = () => {},
  ): AsyncGenerator<Buffer> {
    const hash = createHash("sha256");
    let kept: Buffer[] | null = [];
    let sizeBytes = 0;
    for await (const bytes of content) {
      hash.update(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes > limits.baseContentFileBytes) kept = null;
      kept?.push(bytes);
      yield bytes;
    }
    const digest = hash.digest("hex");
    if (kept !== null) {
      this.#batch.push({ digest, bytes: Buffer.concat(kept) });
      this.#batchBytes += sizeBytes;
    }
    onEnd(sizeBytes, digest);
    if (this.#batchBytes >= BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#content.add(batch);
  }
}
