import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { limits } from "../contract/limits.js";
import { mkdir, open, openAppending, readFile, rename, rm, stat, writeFile } from "../host/files.js";
import { isBinary } from "../workspace/binary.js";

const indexed = z.tuple([z.hash("sha256"), z.int().min(0), z.int().min(0)]);

interface Content {
  readonly digest: string;
  readonly bytes: Buffer;
}

/**
 * The content of text files that a base names, so that a difference can be shown without the client's disk: `content` holds the
 * bytes one after the other, `content.index` a line for each: digest, offset, length. The bytes are written first, so an index
 * never names what is not there.
 */
export class BaseContent {
  readonly #directory: string;
  readonly #maxBytes: number;
  /** Settles when the earlier work has ended: one call at a time may know the positions. */
  #last: Promise<unknown> = Promise.resolve();
  #known: Map<string, { readonly offset: number; readonly length: number }> | null = null;

  constructor(directory: string, maxBytes: number = limits.baseContentBytes) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /** The bytes with this SHA-256, in hexadecimal; null when they are not kept. */
  read(digest: string): Promise<Buffer | null> {
    return this.#inTurn(() => this.#read(digest));
  }

  /** Keeps contents that are new, text, and not too long. Keeps none beyond the limit for a task. */
  add(contents: readonly Content[]): Promise<void> {
    return this.#inTurn(() => this.#add(contents));
  }

  /** Drops the contents with other digests, if they are most of what is kept and half of the limit is used. */
  shrink(live: () => Promise<ReadonlySet<string>>): Promise<void> {
    return this.#inTurn(async () => {
      const sizeBytes = await this.#sizeBytes();
      if (sizeBytes > this.#maxBytes / 2) await this.#keepOnly(await live(), sizeBytes / 2);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #read(digest: string): Promise<Buffer | null> {
    const place = (await this.#index()).get(digest);
    if (place === undefined) return null;
    const file = await open(this.#bytesPath, "r");
    try {
      const bytes = Buffer.alloc(place.length);
      const { bytesRead } = await file.read(bytes, 0, place.length, place.offset);
      // A fork's copy may mix the bytes of one moment with the index of another.
      return bytesRead === place.length && createHash("sha256").update(bytes).digest("hex") === digest ? bytes : null;
    } finally {
      await file.close();
    }
  }

  async #add(contents: readonly Content[]): Promise<void> {
    const known = await this.#index();
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = await openAppending(this.#bytesPath);
    try {
      let offset = (await file.stat()).size;
      const pieces: Buffer[] = [];
      const lines: string[] = [];
      for (const { digest, bytes } of contents) {
        if (known.has(digest) || !isKeepable(bytes) || offset + bytes.length > this.#maxBytes) continue;
        known.set(digest, { offset, length: bytes.length });
        lines.push(`\n${JSON.stringify([digest, offset, bytes.length])}`);
        pieces.push(bytes);
        offset += bytes.length;
      }
      if (lines.length === 0) return;
      await file.writev(pieces);
      await this.#appendIndex(lines.join(""));
    } catch (error) {
      this.#known = null;
      throw error;
    } finally {
      await file.close();
    }
  }

  async #keepOnly(live: ReadonlySet<string>, maxBytes: number): Promise<void> {
    const kept = [...(await this.#index())].filter(([digest]) => live.has(digest));
    if (kept.reduce((sum, [, { length }]) => sum + length, 0) > maxBytes) return;
    const fresh = new BaseContent(join(this.#directory, "shrunk"), this.#maxBytes);
    await rm(fresh.#directory, { recursive: true, force: true });
    await mkdir(fresh.#directory, { mode: 0o700 });
    await Promise.all([fresh.#bytesPath, fresh.#indexPath].map((path) => writeFile(path, "")));
    for (const [digest] of kept) {
      const bytes = await this.#read(digest);
      if (bytes !== null) await fresh.add([{ digest, bytes }]);
    }
    // Removes the index first: after a crash here the bytes are useless, but no line of an index names a wrong place.
    await rm(this.#indexPath, { force: true });
    this.#known = null;
    await rename(fresh.#bytesPath, this.#bytesPath);
    await rename(fresh.#indexPath, this.#indexPath);
    await rm(fresh.#directory, { recursive: true, force: true });
  }

  async #sizeBytes(): Promise<number> {
    try {
      return (await stat(this.#bytesPath)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
      throw error;
    }
  }

  async #index() {
    if (this.#known !== null) return this.#known;
    const known = new Map<string, { readonly offset: number; readonly length: number }>();
    let text = "";
    try {
      text = await readFile(this.#indexPath, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    for (const line of text.split("\n")) {
      const parsed = parseLine(line);
      if (parsed === null) continue;
      const [digest, offset, length] = parsed;
      known.set(digest, { offset, length });
    }
    this.#known = known;
    return known;
  }

  async #appendIndex(lines: string): Promise<void> {
    const file = await openAppending(this.#indexPath);
    try {
      await file.writeFile(lines);
    } finally {
      await file.close();
    }
  }

  get #bytesPath(): string {
    return join(this.#directory, "content");
  }

  get #indexPath(): string {
    return join(this.#directory, "content.index");
  }
}

/** A line of the index; null for a line that a killed daemon did not finish. Each line begins with its line break, so the next one is whole. */
function parseLine(line: string): z.infer<typeof indexed> | null {
  try {
    return indexed.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function isKeepable(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.length <= limits.baseContentFileBytes && !isBinary(bytes);
}
