import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import { sha256OfFile } from "../../host/digest.js";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from "../../host/files.js";
import { type Follower, SharedWork } from "../../host/shared-work.js";
import { imageError } from "../image/failure.js";
import { type ByteStream, readFileBytes } from "../image/streams.js";

/** A blob of a registry: its bytes from an offset on, or from 0 when the registry cannot resume. */
export interface BlobSource {
  readonly digest: string;
  readonly sizeBytes: number;
  open(offset: number, signal: AbortSignal): Promise<{ readonly offset: number; readonly bytes: ByteStream }>;
}

/** Number of tries in a row without new bytes. */
const MOST_TRIES = 4;
const MOST_TRIES_IN_ALL = 100;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

/**
 * The fetched layers of registries, each a file named by its digest. A layer of several images is fetched once; an interrupted fetch is
 * continued.
 */
export class BlobCache {
  readonly #directory: string;
  readonly #fetches = new SharedWork<string, number>();
  /** How many pulls need a blob. */
  readonly #uses = new Map<string, number>();
  readonly #removals = new Map<string, Promise<void>>();
  readonly #pause: Pause;

  constructor(directory: string, pause: Pause = (ms, signal) => sleep(ms, undefined, { signal })) {
    this.#directory = directory;
    this.#pause = pause;
  }

  /** Keeps blobs from being swept until the release is called. */
  use(digests: readonly string[]): () => void {
    for (const digest of digests) this.#uses.set(digest, (this.#uses.get(digest) ?? 0) + 1);
    return () => {
      for (const digest of digests) {
        const left = (this.#uses.get(digest) ?? 1) - 1;
        if (left === 0) this.#uses.delete(digest);
        else this.#uses.set(digest, left);
      }
    };
  }

  /** Bytes of a blob that are on this disk. */
  async presentBytes(digest: string): Promise<number> {
    return (await sizeOf(this.#path(digest))) ?? (await sizeOf(this.#partPath(digest))) ?? 0;
  }

  /** Fetches a blob that is missing; progress is in bytes. Simultaneous callers share the work. Returns the path of the file. */
  fetch(source: BlobSource, follower: Follower<number>): Promise<string> {
    return this.#fetches.join(source.digest, follower, (listener) => this.#fetch(source, listener));
  }

  async discardDamaged(digests: readonly string[]): Promise<void> {
    for (const digest of digests) {
      const path = this.#path(digest);
      const found = await sha256OfFile(path).catch(() => null);
      if (found !== null && `sha256:${found}` !== digest) await rm(path, { force: true });
    }
  }

  /** Removes some blobs, complete or not, except those that are kept or in use. */
  async discard(digests: readonly string[], kept: ReadonlySet<string>): Promise<void> {
    for (const digest of digests) if (!kept.has(digest) && !this.#uses.has(digest)) await this.#remove(digest);
  }

  /** Removes all blobs except those that are kept or in use. Returns the removed ones, also in a dry run. */
  async sweep(kept: ReadonlySet<string>, dryRun: boolean): Promise<{ digests: string[]; freedBytes: number }> {
    const digests: string[] = [];
    let freedBytes = 0;
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const digest = `sha256:${name.replace(/\.part$/, "")}`;
      if (kept.has(digest) || this.#uses.has(digest)) continue;
      freedBytes += (await sizeOf(join(this.#directory, name))) ?? 0;
      if (this.#uses.has(digest)) continue;
      digests.push(digest);
      if (!dryRun) await this.#remove(digest);
    }
    return { digests, freedBytes };
  }

  /** A fetch that begins meanwhile waits for the removal. */
  #remove(digest: string): Promise<void> {
    const remove = async () => {
      try {
        for (const path of [this.#path(digest), this.#partPath(digest)])
          await rm(path, { recursive: true, force: true });
      } finally {
        this.#removals.delete(digest);
      }
    };
    const removal = remove();
    this.#removals.set(digest, removal);
    return removal;
  }

  async #fetch(source: BlobSource, listener: Follower<number>): Promise<string> {
    await this.#removals.get(source.digest);
    const path = this.#path(source.digest);
    if ((await sizeOf(path)) === source.sizeBytes) return path;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const part = this.#partPath(source.digest);
    const wasThere = ((await sizeOf(part)) ?? 0) > 0;
    if (!(await this.#complete(part, source, listener))) {
      await rm(part, { force: true });
      // The bytes of an earlier pull may be damaged.
      if (!wasThere || !(await this.#complete(part, source, listener))) {
        await rm(part, { force: true });
        throw imageError("digest", `The bytes that the registry sent for ${source.digest} have another digest.`, {
          layer: source.digest,
        });
      }
    }
    await rename(part, path);
    return path;
  }

  /** Fetches the missing bytes of a file. False when the complete file has another digest. */
  async #complete(path: string, source: BlobSource, listener: Follower<number>): Promise<boolean> {
    const file = await open(path, "a+", 0o600);
    try {
      const digest = await fill(file, path, source, listener, this.#pause);
      await file.sync();
      return digest === source.digest;
    } finally {
      await file.close();
    }
  }

  #path(digest: string): string {
    return join(this.#directory, digest.replace(/^sha256:/, ""));
  }

  #partPath(digest: string): string {
    return `${this.#path(digest)}.part`;
  }
}

async function fill(
  file: FileHandle,
  path: string,
  source: BlobSource,
  listener: Follower<number>,
  pause: Pause,
): Promise<string> {
  let { hash, sizeBytes } = await readPart(file, path, source);
  for (let [inRow, all] = [0, 0]; sizeBytes < source.sizeBytes;) {
    if (all > 0) await pause(Math.min(FIRST_PAUSE_MS * all, LONGEST_PAUSE_MS), listener.signal);
    const before = sizeBytes;
    let failure: unknown = imageError("digest", `The registry sends less of ${source.digest} than its manifest says.`);
    try {
      const { offset, bytes } = await source.open(sizeBytes, listener.signal);
      if (offset !== sizeBytes) {
        await file.truncate(0);
        [hash, sizeBytes] = [createHash("sha256"), 0];
      }
      for await (const piece of bytes) {
        listener.signal.throwIfAborted();
        sizeBytes += piece.length;
        if (sizeBytes > source.sizeBytes)
          throw imageError("digest", `The registry sends more of ${source.digest} than its manifest says.`);
        hash.update(piece);
        await file.appendFile(piece);
        listener.onProgress(sizeBytes);
      }
    } catch (error) {
      listener.signal.throwIfAborted();
      if (!isBroken(error)) throw error;
      failure = error;
    }
    [inRow, all] = [sizeBytes > before ? 1 : inRow + 1, all + 1];
    if (sizeBytes < source.sizeBytes && (inRow >= MOST_TRIES || all >= MOST_TRIES_IN_ALL)) throw failure;
  }
  return `sha256:${hash.digest("hex")}`;
}

/** The digest of the bytes of an interrupted file. A file longer than the blob is emptied. */
async function readPart(
  file: FileHandle,
  path: string,
  source: BlobSource,
): Promise<{ hash: Hash; sizeBytes: number }> {
  const { size } = await file.stat();
  if (size > source.sizeBytes) await file.truncate(0);
  const hash = createHash("sha256");
  const sizeBytes = size > source.sizeBytes ? 0 : size;
  if (sizeBytes > 0) for await (const piece of readFileBytes(path, 0, sizeBytes)) hash.update(piece);
  return { hash, sizeBytes };
}

/** Whether a connection broke or the server failed, so that another try may succeed. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof PyroError)) return error instanceof Error && "code" in error && error.code !== "ENOSPC";
  return error.code === "REGISTRY_UNREACHABLE" && ["network", "server"].includes(String(error.details["reason"]));
}

async function sizeOf(path: string): Promise<number | null> {
  const stat = await lstat(path).catch(() => null);
  return stat?.isFile() ? stat.size : null;
}
