import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { type Change, findRenames } from "../../workspace/changes.js";
import { byPath, type Entry } from "../../workspace/entry.js";
import { type FileDiff, renderDiff, type Side } from "../../workspace/unified.js";
import { compareWorkspace } from "./changes.js";
import { type DiffBase, type Named, readContents } from "./diff-base.js";
import { toContract } from "../../workspace/wire.js";

type Diff = ResultOf<"task.diff">;
type ChangedFile = Diff["files"][number];

/** How many changed entries are read at once. */
const BATCH = 64;

/** Changes that are shown as one: a renamed file is two changes. */
interface Shown {
  readonly path: string;
  readonly from: string | null;
  readonly base: Entry | null;
  readonly task: Entry | null;
}

/** The changes of a workspace since its base, as data and as unified text; one page of them if they are long. */
export async function diffWorkspace(
  channel: Channel,
  base: DiffBase,
  input: InputOf<"task.diff">,
  signal: AbortSignal,
): Promise<Diff> {
  const { origin, changes } = await compareWorkspace(channel, await base.read(), input);
  const all = withRenames(changes);
  const { after } = input;
  const rest = after === undefined ? all : all.filter(({ path }) => byPath(path, after) > 0);
  const page = new Page(input);
  for (let start = 0; start < rest.length && !page.isFull; start += BATCH) {
    signal.throwIfAborted();
    const batch = rest.slice(start, start + BATCH);
    const compare = input.name_only ? () => null : await openContents(channel, base, batch);
    for (const shown of batch) {
      if (page.isFull) break;
      page.add(shown, await compare(shown));
    }
  }
  return { task_id: input.task_id, origin, file_count: all.length, ...page.finish(rest.length) };
}

class Page {
  readonly #isText: boolean;
  readonly #files: ChangedFile[] = [];
  readonly #texts: string[] = [];
  #bytes = 0;

  constructor({ stat, name_only }: InputOf<"task.diff">) {
    this.#isText = !stat && !name_only;
  }

  get isFull(): boolean {
    return this.#files.length >= limits.diffFiles || this.#bytes >= limits.diffBytes;
  }

  add(shown: Shown, diffs: readonly FileDiff[] | null): void {
    const isCompared = diffs !== null && diffs.some(({ isSummary }) => !isSummary);
    const count = (kind: "additions" | "deletions") => diffs?.reduce((sum, diff) => sum + diff[kind], 0) ?? null;
    this.#files.push({
      path: shown.path,
      status: statusOf(shown),
      ...(shown.from !== null && { renamed_from: shown.from }),
      additions: isCompared ? count("additions") : null,
      deletions: isCompared ? count("deletions") : null,
      before: toContract(shown.base),
      after: toContract(shown.task),
    });
    if (!this.#isText) return;
    for (const { text } of diffs ?? []) {
      this.#texts.push(text);
      this.#bytes += Buffer.byteLength(text);
    }
  }

  finish(wanted: number): Pick<Diff, "files" | "patch" | "next_after"> {
    const last = this.#files.at(-1)?.path ?? null;
    return { files: this.#files, patch: this.#texts.join(""), next_after: this.#files.length < wanted ? last : null };
  }
}

function withRenames(changes: readonly Change[]): Shown[] {
  const froms = new Map(findRenames(changes).map(({ from, to }) => [to, from]));
  const gone = new Set(froms.values());
  const bases = new Map(changes.map(({ path, base }) => [path, base]));
  return changes
    .filter(({ path }) => !gone.has(path))
    .map(({ path, base, task }) => {
      const from = froms.get(path) ?? null;
      return { path, from, base: from === null ? base : (bases.get(from) ?? null), task };
    });
}

function statusOf({ from, base, task }: Shown): ChangedFile["status"] {
  if (from !== null) return "renamed";
  if (base === null) return "added";
  if (task === null) return "deleted";
  if (base.type !== task.type) return "type_changed";
  const isSameContent =
    base.type === "directory" || (base.type === "file" && task.type === "file" && base.digest === task.digest);
  return isSameContent ? "mode_changed" : "modified";
}

/** Reads both sides of a batch, for its differences one by one. */
async function openContents(channel: Channel, base: DiffBase, batch: readonly Shown[]) {
  const whole = batch.filter(({ from }) => from === null);
  const readOld = await base.open(batch.map(oldOf));
  const news = await readContents(channel, whole.map(newOf));
  return async (shown: Shown) =>
    compareContents(
      await sideOf(oldOf(shown), readOld),
      await sideOf(newOf(shown), async ({ path }) => news.get(path) ?? null),
    );
}

function oldOf({ path, from, base: entry }: Shown): Named {
  return { path: from ?? path, entry };
}

function newOf({ path, task: entry }: Shown): Named {
  return { path, entry };
}

/** One difference; two for an entry that changed its type, as in git. Directories have none. */
function compareContents(before: Side, after: Side): FileDiff[] {
  if (before.entry === null && after.entry === null) return [];
  if (before.entry === null || after.entry === null || before.entry.type === after.entry.type)
    return [renderDiff(before, after)];
  const nothing = { entry: null, bytes: null };
  return [renderDiff(before, { path: before.path, ...nothing }), renderDiff({ path: after.path, ...nothing }, after)];
}

async function sideOf(file: Named, read: (file: Named) => Promise<Buffer | null>): Promise<Side> {
  const { path, entry } = file;
  const isEmpty = entry?.type === "file" && entry.sizeBytes === 0;
  const bytes = isEmpty ? Buffer.alloc(0) : await read(file);
  return { path, entry: entry?.type === "directory" ? null : entry, bytes };
}
