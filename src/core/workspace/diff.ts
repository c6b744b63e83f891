import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { fetchEntries } from "../../guest/fetch.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import { type Change, findRenames } from "../../workspace/changes.js";
import { byPath, type Entry } from "../../workspace/entry.js";
import { type FileDiff, renderDiff, type Side } from "../../workspace/unified.js";
import { WORKSPACE } from "./destination.js";
import { compareWorkspace } from "./changes.js";
import { toContract } from "../../workspace/wire.js";

type Diff = ResultOf<"task.diff">;
type ChangedFile = Diff["files"][number];

/** Changed entries whose content is read at once. */
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
  base: Pick<WorkspaceBase, "read" | "content">,
  input: InputOf<"task.diff">,
  signal: AbortSignal,
): Promise<Diff> {
  const { origin, changes } = await compareWorkspace(channel, base, input, input);
  const all = withRenames(changes);
  const { after } = input;
  const rest = after === undefined ? all : all.filter(({ path }) => byPath(path, after) > 0);
  const page = new Page(input);
  for (let start = 0; start < rest.length && !page.isFull; start += BATCH) {
    signal.throwIfAborted();
    const batch = rest.slice(start, start + BATCH);
    const contents = input.name_only ? new Map<string, Buffer>() : await readContents(channel, batch);
    for (const shown of batch) {
      if (page.isFull) break;
      page.add(shown, input.name_only ? null : await compareContents(shown, base, contents));
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

/** The content of files of the workspace that are short enough for a diff. */
async function readContents(channel: Channel, batch: readonly Shown[]): Promise<Map<string, Buffer>> {
  const wanted = batch.filter(
    ({ from, task }) => from === null && task?.type === "file" && task.sizeBytes <= limits.baseContentFileBytes,
  );
  const contents = new Map<string, Buffer>();
  const paths = wanted.map(({ path }) => path);
  await fetchEntries(channel, WORKSPACE, paths, async ({ path, type, sizeBytes }, content) => {
    if (type !== "file" || sizeBytes > limits.baseContentFileBytes) return;
    const pieces: Buffer[] = [];
    for await (const bytes of content) pieces.push(bytes);
    contents.set(path, Buffer.concat(pieces));
  });
  return contents;
}

/** One difference; two for an entry that became another type, as git has it. Directories have none. */
async function compareContents(
  shown: Shown,
  base: Pick<WorkspaceBase, "content">,
  contents: ReadonlyMap<string, Buffer>,
): Promise<FileDiff[]> {
  const before: Side = {
    path: shown.from ?? shown.path,
    entry: shown.base?.type === "directory" ? null : shown.base,
    bytes: await contentOf(shown.base, base),
  };
  const after: Side = {
    path: shown.path,
    entry: shown.task?.type === "directory" ? null : shown.task,
    bytes: isEmpty(shown.task) ? Buffer.alloc(0) : (contents.get(shown.path) ?? null),
  };
  if (before.entry === null && after.entry === null) return [];
  if (before.entry === null || after.entry === null || before.entry.type === after.entry.type)
    return [renderDiff(before, after)];
  const nothing = { entry: null, bytes: null };
  return [renderDiff(before, { path: before.path, ...nothing }), renderDiff({ path: after.path, ...nothing }, after)];
}

async function contentOf(entry: Entry | null, base: Pick<WorkspaceBase, "content">): Promise<Buffer | null> {
  if (entry?.type !== "file") return null;
  return isEmpty(entry) ? Buffer.alloc(0) : base.content.read(entry.digest);
}

function isEmpty(entry: Entry | null): boolean {
  return entry?.type === "file" && entry.sizeBytes === 0;
}
