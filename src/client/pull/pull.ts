import { PyroError } from "../../contract/errors.js";
import { lookAtName, readdirSync } from "../../host/files.js";
import type { Change } from "../../workspace/changes.js";
import { ancestorsOf, type Entry, isEqual, isUnhashed } from "../../workspace/entry.js";
import { type Conflict, type ConflictChoice, reconcile } from "../../workspace/reconcile.js";
import { counted } from "../pack/failure.js";
import type { CallOptions } from "../client.js";
import { type BaseEntry, Destination, findLastPull, type Recovery } from "./destination.js";
import { explainDestination } from "./failure.js";
import { findClashes, isPlain } from "./holdable.js";
import { HostTree } from "./host-tree.js";
import { PullProgress } from "./progress.js";
import { stageSteps } from "./stage.js";
import { buildSteps, type Step } from "./steps.js";
import { hasRealParents } from "./real-parents.js";
import { isWhatWasWritten } from "./switch.js";

/** The workspace that a pull takes from. */
export interface PullSource {
  readonly taskId: string;
  readonly taskName: string | null;
  /** Changes since the base, in the order of paths. */
  readonly changes: readonly Change[];
  /** Gives every file of `changes` its digest; until then long files that changed may be UNHASHED. */
  hash(): Promise<void>;
  /** True when the base describes the destination. If not, `changes` has every entry, and entries that the host has too count as equal. */
  readonly isOrigin: boolean;
  /** Reads these files and links of the workspace, in one or more tar streams. */
  export(paths: readonly string[], take: (archive: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void>;
  /** Makes these entries of the workspace a part of the base, which stands for the destination from now on. */
  settle(destination: string, entries: readonly BaseEntry[]): Promise<void>;
}

export interface PullOptions {
  readonly homePath: string;
  readonly destination: string;
  readonly onConflict: ConflictChoice;
  readonly delete: boolean;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: CallOptions["onEvent"];
}

export interface Pulled {
  readonly destination: string;
  readonly recovery: Recovery | null;
  readonly steps: readonly Step[];
  /** Removed in the workspace, and kept on the host, since `delete` is not set. */
  readonly kept: readonly string[];
  /** When there is one, nothing was written. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Brings the changes of a workspace into a directory of this host: all of them or none. Throws DESTINATION_UNUSABLE,
 * DESTINATION_CHANGED, WORKSPACE_CHANGED, FAILED_PRECONDITION during another pull; then the directory is unchanged.
 */
export async function pull(source: PullSource, options: PullOptions): Promise<Pulled> {
  return withDestination(options.homePath, options.destination, (destination) =>
    pullInto(destination, source, options),
  );
}

/** Holds a directory during work on it. Explains refusals of the host's file system. */
async function withDestination<T>(
  homePath: string,
  path: string,
  act: (destination: Destination) => Promise<T>,
): Promise<T> {
  const destination = await Destination.open(homePath, path);
  try {
    return await act(destination);
  } catch (error) {
    throw explainDestination(error, (error as NodeJS.ErrnoException).path ?? destination.root);
  } finally {
    destination.close();
  }
}

async function pullInto(destination: Destination, source: PullSource, options: PullOptions): Promise<Pulled> {
  let { tree, changes } = await look(destination, source, options);
  // Where the host's entry differs from the base's, it must be compared with the workspace's, by digest.
  if (changes.some(({ path, base, task }) => isUnhashed(task) && !isEqual(tree.entry(path), base))) {
    await source.hash();
    ({ tree, changes } = await look(destination, source, options));
  }
  const plan = reconcile(changes, tree, options);
  const steps = buildSteps(
    plan,
    (path) => tree.entry(path),
    (path) => tree.isTaken(path),
  );
  const { conflicts, kept } = plan;
  const result = { destination: destination.root, recovery: destination.recovery, kept, conflicts };
  if (conflicts.length === 0) assertHoldable(findClashes(destination.root, steps));
  if (options.dryRun || conflicts.length > 0) return { ...result, steps };
  const known = new Map(changes.map(({ path, base, task }) => [path, { base, task }]));
  const base = plan.settled.map((path): BaseEntry => [path, known.get(path)?.base ?? null]);
  const done = steps.length > 0 ? await carryOut(destination, source, tree, { steps, base }, options) : steps;
  const arrived = new Map(done.map(({ path, source: from, after }) => [from ?? path, after]));
  const entries = plan.settled.map((path): BaseEntry => {
    const task = known.get(path)?.task ?? null;
    return [path, isUnhashed(task) ? (arrived.get(path) ?? null) : task];
  });
  if (entries.length > 0 || !source.isOrigin) await source.settle(destination.root, entries);
  return { ...result, steps: done };
}

/** The host's entries at the paths of the changes, and the changes as seen from there. */
async function look(
  { root }: Destination,
  source: PullSource,
  { signal }: PullOptions,
): Promise<{ tree: HostTree; changes: readonly Change[] }> {
  const paths = source.changes.map(({ path }) => path);
  assertHoldable(source.changes.filter(({ task, path }) => task !== null && !isPlain(path)).map(({ path }) => path));
  const tree = new HostTree(root);
  const brings = (task: Entry | null) => task !== null && task.type !== "directory";
  const replaced = new Set(source.changes.filter(({ task }) => brings(task)).map(({ path }) => path));
  await tree.look(paths, (path) => replaced.has(path), signal);
  return { tree, changes: source.isOrigin ? source.changes : changesFor(tree, source.changes) };
}

/** The changes as seen from a directory that the base does not stand for: an entry of the base counts where the host has it. */
function changesFor(tree: HostTree, all: readonly Change[]): Change[] {
  return all
    .map(({ path, base, task }) => ({ path, base: isEqual(tree.entry(path), base) ? base : null, task }))
    .filter(({ base, task }) => !isEqual(base, task));
}

async function carryOut(
  destination: Destination,
  source: PullSource,
  tree: HostTree,
  { steps, base }: { readonly steps: readonly Step[]; readonly base: readonly BaseEntry[] },
  { signal, onEvent }: PullOptions,
): Promise<readonly Step[]> {
  try {
    const work = await destination.begin(source);
    const progress = new PullProgress(steps, onEvent);
    const staged = await stageSteps(`${work}/new`, steps, (paths, take) => source.export(paths, take), progress);
    signal?.throwIfAborted();
    await assertUnchanged(tree, staged);
    await destination.carryOut(staged, base);
    return staged;
  } catch (thrown) {
    const error = explainDestination(thrown, destination.journal);
    await destination.cancel(error);
    throw error;
  }
}

async function assertUnchanged(tree: HostTree, steps: readonly Step[]): Promise<void> {
  const looked = steps.filter(({ source }) => source === undefined).map(({ path }) => path);
  const changed = await tree.findChanged(new Set(looked.flatMap((path) => [...ancestorsOf(path), path])));
  if (changed.length === 0) return;
  throw new PyroError(
    "DESTINATION_CHANGED",
    `${counted(changed.length, "entry", "entries")} changed on the host during the pull: ${changed.slice(0, 3).join(", ")}.`,
    {
      details: { paths: changed.slice(0, 100) },
    },
  );
}

function assertHoldable(refused: readonly string[]): void {
  if (refused.length === 0) return;
  throw new PyroError(
    "DESTINATION_UNUSABLE",
    `The destination cannot hold ${counted(refused.length, "entry", "entries")}: ${refused.slice(0, 3).join(", ")}.`,
    {
      hint: "Rename the entries in the task, or pull other paths.",
      details: { paths: refused.slice(0, 100) },
    },
  );
}

/** Makes entries of a task a part of its base again. */
export type Settle = (taskId: string, destination: string, entries: readonly BaseEntry[]) => Promise<void>;

/** The result of an undo. */
export interface Undone {
  readonly taskId: string;
  readonly destination: string;
  readonly recovery: Recovery | null;
  readonly steps: readonly Step[];
}

/**
 * Undoes the last pull of a task, by the task's id or name; completes an interrupted pull or undo instead, if there is one.
 * Needs only this host's journal. Throws NOT_FOUND when there is none, and DESTINATION_CHANGED when the host has changed an entry
 * since; then nothing is done.
 */
export async function undoPull(homePath: string, task: string, settle: Settle): Promise<Undone> {
  const found = await findLastPull(homePath, task);
  if (found === null) throw nothingToUndo(task);
  return withDestination(homePath, found.destination, (destination) => undoIn(destination, found.task_id, settle));
}

async function undoIn(destination: Destination, taskId: string, settle: Settle): Promise<Undone> {
  const { root, recovery } = destination;
  if (recovery !== null) return { taskId, destination: root, recovery, steps: [] };
  const last = await destination.last();
  if (last === null || last.facts.task_id !== taskId) throw nothingToUndo(taskId);
  const changed = await findChangedSince(root, last.steps);
  if (changed.length > 0) {
    throw new PyroError(
      "DESTINATION_CHANGED",
      `${counted(changed.length, "entry", "entries")} changed on the host since the pull: ${changed.slice(0, 3).join(", ")}.`,
      {
        hint: "Nothing was undone. Put the entries back as the pull left them, or keep what you have.",
        details: { paths: changed.slice(0, 100) },
      },
    );
  }
  // Before the host's tree changes: a base older than the host costs the next pull a comparison, a newer one hides changes from it.
  await settle(taskId, root, last.base);
  await destination.undo(last);
  return { taskId, destination: root, recovery, steps: last.steps };
}

function nothingToUndo(task: string): PyroError {
  return new PyroError("NOT_FOUND", `No pull of task ${task} can be undone.`, {
    hint: "Only the last pull into a directory can be undone, once.",
    details: { task_id: task },
  });
}

async function findChangedSince(root: string, steps: readonly Step[]): Promise<string[]> {
  const isTaken = (path: string) => hasRealParents(root, path) && lookAtName(`${root}/${path}`) !== null;
  const rewritten = new Set(steps.filter(({ after }) => after !== null).map(({ path }) => path));
  const changed: string[] = [];
  for (const { path, before, after } of steps) {
    if (after === null) {
      const isSame = rewritten.has(path) || before?.type === "directory" || !isTaken(path);
      if (!isSame) changed.push(path);
    } else if (!hasRealParents(root, path) || !(await isWhatWasWritten(`${root}/${path}`, after))) {
      changed.push(path);
    } else if (after.type === "directory" && before !== null && before.type !== "directory") {
      // Only an empty directory makes room for the file that it replaced.
      const own = readdirSync(`${root}/${path}`).map((name) => `${path}/${name}`);
      changed.push(...own.filter((child) => !rewritten.has(child)));
    }
  }
  return changed;
}
