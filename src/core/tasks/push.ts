import type { FoundMachine, Machine } from "../../backend/backend.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../core.js";
import { parseDestination } from "./destination.js";
import { assertLinks, type ListedEntry, type SourceCounts, stageSource, type StagedSource } from "./import.js";
import type { PushFacts, Pushes } from "./pushes.js";

/** What only the client that packs the source can tell, and puts into the result. */
const NO_REPORT = { skipped_special: 0, skipped_links: 0, changed_entries: 0, warnings: [] };
const LISTED_ENTRIES = 10_000;

interface Pushed {
  readonly counts: SourceCounts;
  /** Of a dry run. */
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
  assertLinks(input);
  const machine = await abortable(task.found.ready, call.signal);
  const facts: PushFacts = { mode: input.source_kind, sourcePath: input.source_path, destination };
  const { counts, entries } = input.dry_run
    ? await compare(machine, destination, input, call)
    : await switchIn(task.pushes, () => stageSource(machine, destination, input, call), facts, call.signal);
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
    duration_ms: Math.round(performance.now() - startedMs),
    dry_run: input.dry_run,
    ...(entries && { entries }),
  };
}

async function compare(
  machine: Machine,
  destination: string,
  input: InputOf<"task.sync.push">,
  call: Call,
): Promise<Pushed> {
  const entries: ListedEntry[] = [];
  const onEntry = (entry: ListedEntry) => void (entries.length < LISTED_ENTRIES && entries.push(entry));
  const staged = await stageSource(machine, destination, input, call, { isDryRun: true, onEntry });
  await staged.cancel();
  return { counts: staged.counts, entries };
}

function switchIn(
  pushes: Pushes,
  stage: () => Promise<StagedSource>,
  facts: PushFacts,
  signal: AbortSignal,
): Promise<Pushed> {
  return pushes.inTurn(signal, async () => {
    const staged = await stage();
    try {
      signal.throwIfAborted();
      await pushes.switchIn(staged, facts);
      return staged;
    } finally {
      // Does nothing once the switch was asked for.
      await staged.cancel().catch(() => {});
    }
  });
}
