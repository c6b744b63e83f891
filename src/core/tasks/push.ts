import type { FoundMachine } from "../../backend/backend.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../core.js";
import { parseDestination } from "./destination.js";
import { listSource, stageSource, type StagedSource } from "./import.js";
import type { PushFacts, Pushes } from "./pushes.js";

/** Brings an uploaded source into a task's workspace, all of it or nothing; a dry run only says what it holds. Waits for a VM that stands still. */
export async function push(
  task: { readonly taskId: string; readonly found: FoundMachine; readonly pushes: Pushes },
  input: InputOf<"task.sync.push">,
  call: Call,
): Promise<ResultOf<"task.sync.push">> {
  const startedMs = performance.now();
  const destination = parseDestination(input.dest);
  const machine = await abortable(task.found.ready, call.signal);
  const facts: PushFacts = { mode: input.source_kind, sourcePath: input.source_path, destination };
  const written = input.dry_run
    ? await listSource(machine, input, call)
    : await switchIn(task.pushes, await stageSource(machine, destination, input, call), facts, call.signal);
  return {
    task_id: task.taskId,
    source_path: input.source_path,
    mode: input.source_kind,
    destination,
    entry_count: written.entryCount,
    bytes_written: written.bytesWritten,
    excluded_count: written.excludedCount,
    duration_ms: Math.round(performance.now() - startedMs),
    dry_run: input.dry_run,
    ...("entries" in written ? { entries: [...written.entries] } : {}),
  };
}

async function switchIn(
  pushes: Pushes,
  staged: StagedSource,
  facts: PushFacts,
  signal: AbortSignal,
): Promise<StagedSource> {
  try {
    signal.throwIfAborted();
    await pushes.switchIn(staged, facts);
    return staged;
  } finally {
    // Does nothing once the switch was asked for.
    await staged.cancel().catch(() => {});
  }
}
