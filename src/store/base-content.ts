import { join } from "node:path";

import { z } from "zod";

import { limits } from "../contract/limits.js";
import { mkdir, open, openAppending, readFile, rename, rm, stat } from "../host/files.js";
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
  #adding: Promise<void> = Promise.resolve();
  #known: Map<string, { readonly offset: number; readonly length: number }> | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The bytes with this SHA-256, in hexadecimal; null when they are not kept. */
  async read(digest: string): Promise<Buffer | null> {
    const place = (await this.#index()).get(digest);
    if (place === undefined) return null;
    const file = await open(this.#bytesPath, "r");
    try {
      const bytes = Buffer.alloc(place.length);
      const { bytesRead } = await file.read(bytes, 0, place.length, place.offset);
      return bytesRead === place.length ? bytes : null;
    } finally {
      await file.close();
    }
  }

  /** Keeps contents that are new, text, and not too long. Does nothing more once the task has `limits.baseContentBytes`. */
  add(contents: readonly Content[]): Promise<void> {
    // A push and a pull may add at once, and each needs to know where its bytes begin.
    const added = this.#adding.then(() => this.#add(contents));
    this.#adding = added.catch(() => {});
    return added;
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
        if (known.has(digest) || !isKeepable(bytes) || offset + bytes.length > limits.baseContentBytes) continue;
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

  /** Drops everything but these digests, when that frees at least half of the room. */
  async shrink(live: ReadonlySet<string>): Promise<void> {
    const known = await this.#index();
    const kept = [...known].filter(([digest]) => live.has(digest));
    const keptBytes = kept.reduce((sum, [, { length }]) => sum + length, 0);
    const size = await stat(this.#bytesPath).then(
      (found) => found.size,
      () => 0,
    );
    if (size <= limits.baseContentBytes / 2 || keptBytes > size / 2) return;
    const fresh = new BaseContent(join(this.#directory, "shrunk"));
    await rm(fresh.#directory, { recursive: true, force: true });
    for (const [digest] of kept) {
      const bytes = await this.read(digest);
      if (bytes !== null) await fresh.add([{ digest, bytes }]);
    }
    // Removes the index first: after a crash here the bytes are useless, but no line of an index names a wrong place.
    await rm(this.#indexPath, { force: true });
    this.#known = null;
    await rename(fresh.#bytesPath, this.#bytesPath);
    await rename(fresh.#indexPath, this.#indexPath);
    await rm(fresh.#directory, { recursive: true, force: true });
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
