import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { realpath } from "../../host/files.js";
import type { Change } from "../../workspace/changes.js";
import type { Entry } from "../../workspace/entry.js";
import { fromContract, fromLazyContract, toContract } from "../../workspace/wire.js";
import type { CallOptions, Client } from "../client.js";
import { streamBytes } from "../stream-bytes.js";
import { type Recovery, resolveDirectory } from "./destination.js";
import { counted } from "../pack/failure.js";
import { batchesOf } from "./batches.js";
import { pull, type Pulled, type PullSource, undoPull } from "./pull.js";

type Result = ResultOf<"task.sync.pull">;

const LISTED = 10_000;
const CHOICES: readonly string[] = ["fail", "task", "host", "both"];
/** Entries that are settled in one chunk. */
const SETTLED = 512;

/** Writes the changes of a task into a directory of this machine. */
export async function pullTaskSync(
  client: Client,
  input: ArgumentsOf<"task.sync.pull">,
  options: CallOptions = {},
): Promise<Result> {
  const startedMs = performance.now();
  const { task_id, paths = [], exclude = [], include = [], dry_run = false, on_conflict = "fail" } = input;
  assertChoice(on_conflict);
  // Before the guest hashes its files.
  if (input.destination !== undefined) await resolveDirectory(input.destination);
  const { signal } = options;
  const ask = (all: boolean, lazy: boolean) =>
    client.call("task.changes", { task_id, paths, exclude, include, all, lazy }, { ...(signal && { signal }) });
  // A dry run shows the digest of each file that it would write.
  let found = await ask(false, !dry_run);
  const destination = input.destination ?? found.origin;
  if (destination === null) throw needsDestination(task_id);
  const isOrigin = found.origin !== null && (await isSameDirectory(destination, found.origin));
  if (!isOrigin) found = await ask(true, !dry_run);
  const source = new TaskSource(client, found, { isOrigin, ask: () => ask(!isOrigin, false), signal });
  const pulled = await pull(source, {
    homePath: client.home.path,
    destination,
    onConflict: on_conflict,
    delete: input.delete ?? false,
    dryRun: dry_run,
    signal,
    ...(options.onEvent && { onEvent: options.onEvent }),
  });
  return describe(pulled, { task_id, dry_run, unsupported: found.unsupported, startedMs });
}

/** Takes back the last pull of a task. */
export async function undoTaskSync(
  client: Client,
  { task_id }: ArgumentsOf<"task.sync.undo">,
): Promise<ResultOf<"task.sync.undo">> {
  // A task that was deleted is still in the journal, with its name.
  const task = await client.call("task.status", { task_id }).then(
    (found) => found.task_id,
    () => task_id,
  );
  const undone = await undoPull(client.home.path, task, (id, origin, entries) =>
    settle(client, id, origin, entries).catch(assertDeleted),
  );
  const { taskId, destination, steps, recovery } = undone;
  return { task_id: taskId, destination, restored_count: steps.length, warnings: recoveryWarnings(recovery) };
}

/** A task that was deleted has no base that could hide a change from its next pull. */
function assertDeleted(error: unknown): void {
  if (!(error instanceof PyroError) || error.code !== "NOT_FOUND") throw error;
}

type FoundChanges = ResultOf<"task.changes">;

function changesOf({ changes }: FoundChanges): Change[] {
  return changes.map(({ path, base, task }) => ({ path, base: fromContract(base), task: fromLazyContract(task) }));
}

interface TaskSourceOptions {
  readonly isOrigin: boolean;
  /** Asks for the same changes with every digest. */
  readonly ask: () => Promise<FoundChanges>;
  readonly signal: AbortSignal | undefined;
}

class TaskSource implements PullSource {
  readonly taskId: string;
  readonly taskName: string | null;
  changes: readonly Change[];
  readonly isOrigin: boolean;
  readonly #client: Client;
  readonly #ask: () => Promise<FoundChanges>;
  readonly #signal: AbortSignal | undefined;

  constructor(client: Client, found: FoundChanges, { isOrigin, ask, signal }: TaskSourceOptions) {
    this.taskId = found.task_id;
    this.taskName = found.name;
    this.changes = changesOf(found);
    this.isOrigin = isOrigin;
    this.#client = client;
    this.#ask = ask;
    this.#signal = signal;
  }

  async hash(): Promise<void> {
    this.changes = changesOf(await this.#ask());
  }

  async export(paths: readonly string[], take: (archive: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
    for (const entries of batchesOf(paths)) {
      await take(streamBytes(this.#client, "task.export", { task_id: this.taskId, entries }, this.#signal));
    }
  }

  settle(destination: string, entries: readonly (readonly [string, Entry | null])[]): Promise<void> {
    return settle(this.#client, this.taskId, destination, entries);
  }
}

async function settle(
  client: Client,
  taskId: string,
  origin: string,
  entries: readonly (readonly [string, Entry | null])[],
): Promise<void> {
  await client.call("task.settle", { task_id: taskId, origin }, { stdin: linesOf(entries) });
}

/** Each entry as a line of JSON, many lines in a chunk. */
async function* linesOf(entries: readonly (readonly [string, Entry | null])[]): AsyncGenerator<Buffer> {
  for (let start = 0; start < entries.length; start += SETTLED) {
    const lines = entries
      .slice(start, start + SETTLED)
      .map(([path, entry]) => JSON.stringify([path, toContract(entry)]));
    yield Buffer.from(`${lines.join("\n")}\n`);
  }
}

function describe(
  { destination, recovery, steps, kept, conflicts }: Pulled,
  {
    task_id,
    dry_run,
    unsupported,
    startedMs,
  }: { task_id: string; dry_run: boolean; unsupported: readonly string[]; startedMs: number },
): Result {
  const isWritten = conflicts.length === 0;
  const done = isWritten ? steps : [];
  const deleted = done.filter(({ after }) => after === null).length;
  return {
    task_id,
    destination,
    written_count: done.length - deleted,
    deleted_count: deleted,
    kept_count: kept.length,
    changes: done
      .slice(0, LISTED)
      .map(({ path, before, after }) => ({ path, before: toContract(before), after: toContract(after) })),
    conflicts: conflicts.map(({ path, reason, base, host, task }) => ({
      ...{ path, reason, base: toContract(base), host: toContract(host), task: toContract(task) },
    })),
    warnings: [...recoveryWarnings(recovery), ...unsupportedWarning(unsupported)],
    dry_run,
    duration_ms: Math.round(performance.now() - startedMs),
  };
}

function recoveryWarnings(recovery: Recovery | null): string[] {
  if (recovery === null) return [];
  return recovery === "rolled-back"
    ? ["An earlier pull into this directory was interrupted. Its changes were taken back first."]
    : ["An earlier undo in this directory was interrupted. It was finished first."];
}

function unsupportedWarning(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, 3).map((path) => JSON.stringify(path));
  return [
    `${counted(paths.length, "entry", "entries")} cannot be pulled (sockets, FIFOs, devices, or names that are not UTF-8): ${shown.join(", ")}.`,
  ];
}

/** The daemon checks the other fields. */
function assertChoice(choice: string): void {
  if (CHOICES.includes(choice)) return;
  throw new PyroError(
    "INVALID_ARGUMENT",
    `on_conflict: expected one of ${CHOICES.join(", ")}, got ${JSON.stringify(choice)}.`,
    {
      details: { issues: [{ field: "on_conflict", message: `expected one of ${CHOICES.join(", ")}` }] },
    },
  );
}

function needsDestination(taskId: string): PyroError {
  return new PyroError(
    "INVALID_ARGUMENT",
    `Task ${taskId} was not made from a directory, so the pull needs a destination.`,
    {
      hint: "Name a directory of this machine: pyro task sync pull TASK DIRECTORY",
      details: { issues: [{ field: "destination", message: "required for this task" }] },
    },
  );
}

async function isSameDirectory(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map((path) => realpath(path).catch(() => path)));
  return left === right;
}
