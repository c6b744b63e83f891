import { createFilter } from "../../archive/filter.js";
import type { FoundMachine } from "../../backend/backend.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { RemovalCounts } from "../../guest/stage.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../call.js";
import { parseDestination } from "./destination.js";
import {
  assertChoices,
  type ListedEntry,
  type SourceCounts,
  stageSource,
  type StagedSource,
  type StageOptions,
} from "./import.js";
import type { Pushes } from "./pushes.js";
import type { PushFacts } from "./record-import.js";
import { isGone, replacedIn } from "./removals.js";

/** Facts for the result that only the packing client knows. */
const NO_REPORT = { skipped_special: 0, skipped_links: 0, changed_entries: 0, warnings: [] };
const LISTED_ENTRIES = 10_000;

interface Pushed {
  readonly counts: SourceCounts;
  readonly removals: RemovalCounts;
  /** Only a dry run lists the entries. */
  readonly entries?: ListedEntry[];
}

/**
 * Brings an uploaded source into a task's workspace, all of it or nothing; a dry run only compares it with the workspace. Waits for
 * a VM that is paused.
 */
export async function push(
  task: { readonly taskId: string; readonly found: FoundMachine; readonly pushes: Pushes },
  input: InputOf<"task.sync.push">,
  call: Call,
): Promise<ResultOf<"task.sync.push">> {
  const startedMs = performance.now();
  const destination = parseDestination(input.dest);
  assertChoices(input);
  const machine = await abortable(task.found.ready, call.signal);
  const facts: PushFacts = { mode: input.source_kind, sourcePath: input.source_path, destination };
  const stage = (options: StageOptions = {}) =>
    stageSource(machine, destination, input, call, {
      ...options,
      ...(!input.dry_run && { record: (id: string) => task.pushes.record(id, facts) }),
      earlier: task.pushes.earlier(facts),
      deletes: input.delete,
    });
  const { counts, removals, entries } = input.dry_run
    ? await compare(stage)
    : await task.pushes.inTurn(call.signal, () => switchIn(task.pushes, stage, { ...facts, input }, call.signal));
  return {
    task_id: task.taskId,
    source_path: input.source_path,
    mode: input.source_kind,
    destination,
    entry_count: counts.entryCount,
    bytes_written: counts.bytesWritten,
    excluded_count: counts.excludedCount,
    unchanged_count: counts.unchangedCount,
    ignored_xattr_count: counts.ignoredXattrCount,
    ...NO_REPORT,
    deleted_count: removals.removed,
    kept_count: removals.kept,
    duration_ms: Math.round(performance.now() - startedMs),
    dry_run: input.dry_run,
    ...(entries && { entries }),
  };
}

type StageAll = (options?: StageOptions) => Promise<StagedSource>;

async function compare(stage: StageAll): Promise<Pushed> {
  const entries: ListedEntry[] = [];
  const onEntry = (entry: ListedEntry) => void (entries.length < LISTED_ENTRIES && entries.push(entry));
  const staged = await stage({ isDryRun: true, onEntry });
  await staged.cancel();
  return { counts: staged.counts, removals: staged.counts.removals, entries };
}

async function switchIn(
  pushes: Pushes,
  stage: StageAll,
  { input, ...facts }: PushFacts & { readonly input: InputOf<"task.sync.push"> },
  signal: AbortSignal,
): Promise<Pushed> {
  const staged = await stage();
  const filter = createFilter(input);
  const isReplaced = replacedIn(staged.paths);
  const isLeft = (path: string) => !isReplaced(path) && (!input.delete || !isGone(path, staged.paths, filter));
  try {
    signal.throwIfAborted();
    return { counts: staged.counts, removals: await pushes.switchIn(staged, facts, isLeft) };
  } finally {
    // Does nothing after the commit was requested.
    await staged.cancel().catch(() => {});
  }
}
