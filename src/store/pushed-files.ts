import { join } from "node:path";
import { z } from "zod";

import { limits } from "../contract/limits.js";
import { mkdir, listNames, rename, rm } from "../host/files.js";
import { readGzipLines, writeGzipLines } from "../host/gzip-lines.js";
import { shortDigest } from "../host/short-digest.js";

/** A moment of a guest's clock. */
export interface GuestTime {
  readonly s: number;
  readonly ns: number;
}

/** The source and destination of files: a later push with the same two replaces the list of an earlier one. */
export interface PushRoute {
  readonly sourcePath: string;
  readonly destination: string;
}

/** An entry that a push brought. */
export interface PushedFile {
  /** Relative to the destination; a directory's path ends with a slash. */
  readonly path: string;
  /** When that push was switched in. */
  readonly at: GuestTime;
}

/** Maximum number of lists of one task; the oldest is dropped first. */
const MOST_LISTS = 64;
const PENDING = ".new";
const header = z.object({ format: z.literal(1) });
const time = z.object({ s: z.int(), ns: z.int().min(0).max(999_999_999) });
const path = z.string().min(1);

/**
 * The entries that pushes of a task brought, so that a later push can remove entries that its source no longer has. There is one file
 * per route, `pushed/ROUTE@SECONDS.NANOSECONDS.gz`: a format line, then one path per line. A line with a time comes before the paths of
 * an earlier push. A list is written before the commit, under the push's id, and gets its name after it.
 */
export class PushedFiles {
  readonly #directory: string;

  constructor(taskDirectory: string) {
    this.#directory = join(taskDirectory, "pushed");
  }

  /** The entries that pushes on the route wrote; empty without a list. Throws when the list is damaged or of a newer format. */
  async *read(route: PushRoute): AsyncGenerator<PushedFile> {
    const name = (await this.#listsOf(keyOf(route))).at(-1);
    const named = name === undefined ? null : timeOf(name);
    if (name === undefined || named === null) return;
    let at = named;
    let isFirst = true;
    for await (const line of readGzipLines(join(this.#directory, name))) {
      const value: unknown = JSON.parse(line);
      if (isFirst) header.parse(value);
      else if (typeof value === "string") yield { path: path.parse(value), at };
      else at = time.parse(value);
      isFirst = false;
    }
  }

  /** Writes the list of a push that is about to be committed. `left` has the entries of earlier pushes that the task keeps, as `read` returns them. */
  async prepare(
    route: PushRoute,
    pushId: string,
    paths: ReadonlySet<string>,
    left: AsyncIterable<PushedFile>,
  ): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const pending = join(this.#directory, `${keyOf(route)}.${pushId}${PENDING}`);
    try {
      await writeGzipLines(pending, linesOf(route, paths, left));
    } catch (error) {
      await rm(pending, { force: true });
      throw error;
    }
  }

  /** Ends a push: keeps its list in place of the earlier one of the route. `at` is null for a push that failed, whose list is dropped. */
  async settle(pushId: string, at: GuestTime | null): Promise<void> {
    const pending = (await listNames(this.#directory)).find((name) => name.endsWith(`.${pushId}${PENDING}`));
    if (pending === undefined) return;
    if (at === null) return this.#remove(pending);
    const key = pending.slice(0, pending.indexOf("."));
    const earlier = await this.#listsOf(key);
    const name = `${key}@${at.s}.${String(at.ns).padStart(9, "0")}.gz`;
    await rename(join(this.#directory, pending), join(this.#directory, name));
    for (const old of earlier) if (old !== name) await this.#remove(old);
    const lists = (await listNames(this.#directory)).filter((list) => timeOf(list) !== null).toSorted(byTime);
    for (const old of lists.slice(0, -MOST_LISTS)) await this.#remove(old);
  }

  /** Removes every list. */
  async clear(): Promise<void> {
    for (const name of await listNames(this.#directory)) await this.#remove(name);
  }

  /** Removes lists of unfinished pushes, except those named. */
  async sweep(openIds: readonly string[]): Promise<void> {
    for (const name of await listNames(this.#directory)) {
      if (name.endsWith(PENDING) && !openIds.some((id) => name.endsWith(`.${id}${PENDING}`))) await this.#remove(name);
    }
  }

  async #listsOf(key: string): Promise<string[]> {
    return (await listNames(this.#directory))
      .filter((name) => name.startsWith(`${key}@`) && timeOf(name) !== null)
      .toSorted(byTime);
  }

  #remove(name: string): Promise<void> {
    return rm(join(this.#directory, name), { force: true });
  }
}

async function* linesOf(route: PushRoute, paths: ReadonlySet<string>, left: AsyncIterable<PushedFile>) {
  yield JSON.stringify({ format: 1, source_path: route.sourcePath, destination: route.destination });
  for (const brought of paths) yield JSON.stringify(brought);
  let count = paths.size;
  let last: GuestTime | null = null;
  for await (const { path, at } of left) {
    if (++count > limits.importEntries) return;
    if (last === null || last.s !== at.s || last.ns !== at.ns) yield JSON.stringify({ s: at.s, ns: at.ns });
    last = at;
    yield JSON.stringify(path);
  }
}

function keyOf({ sourcePath, destination }: PushRoute): string {
  return shortDigest(`${sourcePath}\0${destination}`, 32);
}

function timeOf(name: string): GuestTime | null {
  const match = /^[0-9a-f]{32}@(\d{1,15})\.(\d{9})\.gz$/.exec(name);
  return match === null ? null : { s: Number(match[1]), ns: Number(match[2]) };
}

function byTime(a: string, b: string): number {
  const [left, right] = [timeOf(a), timeOf(b)];
  return (left?.s ?? 0) - (right?.s ?? 0) || (left?.ns ?? 0) - (right?.ns ?? 0);
}
