import { randomBytes } from "node:crypto";
import { posix } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { type Channel } from "../../guest/channel.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { fetchEntries, type FetchedHeader } from "../../guest/fetch.js";
import { type GuestTime, Stage } from "../../guest/stage.js";
import { stat } from "../../guest/stat.js";
import { ancestorsOf } from "../../workspace/entry.js";
import { applyPatches, type Patchable, type Patched } from "../../workspace/patch.js";
import { WORKSPACE } from "./destination.js";
import { explainRefusal } from "./import-refusal.js";
import { assertRemoves } from "./removals.js";

type Status = ResultOf<"task.patch">["files"][number]["status"];

/** Later than every change of a file, so the commit always compares the read content once more. */
const ANY_TIME: GuestTime = { s: 0xffff_ffff, ns: 0 };

/** Applies a patch to a workspace, all of it or nothing. The base does not change. */
export async function patchWorkspace(
  channel: Channel,
  { task_id, patch, encoding, dry_run, reverse }: InputOf<"task.patch">,
  signal: AbortSignal,
): Promise<ResultOf<"task.patch">> {
  const reader = new Reader(channel);
  const { files, rejects } = await applyPatches(parseText(patch, encoding), reverse, (path) => reader.read(path));
  if (rejects.length === 0) await apply(channel, files, reader, { isDryRun: dry_run, signal });
  return {
    task_id,
    applied: rejects.length === 0 && !dry_run,
    files: [...files].flatMap(([path, after]) => describe(path, reader.had(path), after)),
    rejects: rejects.map(({ hunks, ...reject }) => ({ ...reject, hunks: [...hunks] })),
    dry_run,
  };
}

function parseText(patch: string, encoding: "utf8" | "base64"): Buffer {
  const text = Buffer.from(patch, encoding);
  if (text.length <= limits.patchBytes) return text;
  const message = `The patch has ${text.length} bytes; the limit is ${limits.patchBytes}.`;
  throw new PyroError("INVALID_ARGUMENT", message, {
    hint: "Apply it in parts, or push the files.",
    details: { issues: [{ field: "patch", message: "too long" }], limit: limits.patchBytes },
  });
}

function describe(path: string, isOld: boolean, after: Patchable | null): { path: string; status: Status }[] {
  if (after === null) return isOld ? [{ path, status: "deleted" }] : [];
  return [{ path, status: isOld ? "modified" : "added" }];
}

/** Reads the files that a patch names, and remembers their state. */
class Reader {
  readonly #channel: Channel;
  readonly #seen = new Map<string, FetchedHeader>();
  #leftBytes: number = limits.patchedContentBytes;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  had(path: string): boolean {
    return (this.#seen.get(path)?.type ?? "absent") !== "absent";
  }

  async read(path: string): Promise<Patchable | null | "not-a-file" | "too-large"> {
    let found: Patchable | null | "not-a-file" | "too-large" = null;
    await fetchEntries(this.#channel, WORKSPACE, [path], async (header, content) => {
      this.#seen.set(path, header);
      found = await this.#toPatchable(header, content);
    });
    return found;
  }

  async #toPatchable({ path, type, mode, sizeBytes, target }: FetchedHeader, content: AsyncIterable<Buffer>) {
    if (type === "directory") return "not-a-file";
    if (type === "absent") return (await this.#isTaken(path)) ? "not-a-file" : null;
    if (target !== null) return { type: "link", target } as const;
    if (sizeBytes > this.#leftBytes) return "too-large";
    this.#leftBytes -= sizeBytes;
    const pieces: Buffer[] = [];
    for await (const bytes of content) pieces.push(bytes);
    return { type: "file", mode, bytes: Buffer.concat(pieces) } as const;
  }

  /** True when a path that cannot be read exists: a special file, or an entry behind a link. */
  async #isTaken(path: string): Promise<boolean> {
    try {
      await stat(this.#channel, posix.join(WORKSPACE, path));
      return true;
    } catch (error) {
      if (error instanceof AgentRefusal && error.errno !== undefined) return false;
      throw error;
    }
  }

  /** Throws WORKSPACE_CHANGED when a file has changed since it was read. */
  async assertUnchanged(): Promise<void> {
    await fetchEntries(this.#channel, WORKSPACE, [...this.#seen.keys()], async (now) => {
      const { path } = now;
      if (JSON.stringify(now) === JSON.stringify(this.#seen.get(path))) return;
      throw new PyroError(
        "WORKSPACE_CHANGED",
        `A process of the task changed ${JSON.stringify(path)} during the patch.`,
        {
          hint: "Nothing was applied. Try again when no command of the task writes to it.",
          details: { path },
        },
      );
    });
  }
}

async function apply(
  channel: Channel,
  files: Patched["files"],
  reader: Reader,
  { isDryRun, signal }: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const gone = [...files].flatMap(([path, after]) => (after === null && reader.had(path) ? [path] : []));
  if (gone.length > 0) assertRemoves(channel);
  try {
    await using stage = await Stage.open(channel, { path: WORKSPACE, id: randomBytes(16).toString("hex"), isDryRun });
    for (const [path, after] of files) {
      signal.throwIfAborted();
      if (after !== null) await add(stage, path, after);
    }
    for (const path of gone) await stage.remove(path, false, ANY_TIME);
    for (const path of parentsOf(gone)) await stage.remove(path, true, ANY_TIME);
    await stage.finish();
    await reader.assertUnchanged();
    signal.throwIfAborted();
    if (!isDryRun) await stage.commit();
  } catch (error) {
    throw error instanceof AgentRefusal ? explainRefusal(error) : error;
  }
}

async function add(stage: Stage, path: string, after: Patchable): Promise<void> {
  const times = { mtimeS: Math.floor(Date.now() / 1_000), mtimeNs: 0 };
  if (after.type === "link") {
    return stage.add({ path, type: "symlink", mode: 0o777, ...times, sizeBytes: 0, target: after.target });
  }
  const { mode, bytes } = after;
  return stage.add({ path, type: "file", mode, ...times, sizeBytes: bytes.length }, [bytes]);
}

/** The directories that lead to paths, the deepest first: like git, a patch removes those that became empty. */
function parentsOf(paths: readonly string[]): string[] {
  const parents = new Set(paths.flatMap((path) => [...ancestorsOf(path)]));
  return [...parents].toSorted((a, b) => (a < b ? 1 : -1));
}
