import type { Client } from "../../client/client.js";
import { pullTaskSync, undoTaskSync } from "../../client/pull/task-pull.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openTransferProgress } from "./progress.js";
import { printable } from "./printable.js";
import { warnOf } from "./source-warnings.js";

type Pulled = ResultOf<"task.sync.pull">;

/** The exit status when there are conflicts. That is a result, not an error, and nothing was written. */
const CONFLICT_STATUS = 1;

/** `pyro task sync pull`: shows progress as a push does, prints a line for each entry, and a summary. */
export function taskSyncPull(client: Client, input: ArgumentsOf<"task.sync.pull">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openTransferProgress(input.destination ?? input.task_id, "pull");
    try {
      const result = await pullTaskSync(client, input, {
        signal,
        onEvent: (event) => {
          if (!json && event.event === "progress") progress.show(event);
        },
      });
      progress.clear();
      if (!json) warnOf(result.warnings, "pull");
      process.stdout.write(json ? jsonLine(result) : renderPull(result));
      return result.conflicts.length === 0 ? 0 : CONFLICT_STATUS;
    } finally {
      progress.clear();
    }
  });
}

/** `pyro task sync undo`. */
export async function taskSyncUndo(
  client: Client,
  input: ArgumentsOf<"task.sync.undo">,
  json: boolean,
): Promise<number> {
  const result = await undoTaskSync(client, input);
  if (!json) warnOf(result.warnings, "undo");
  const { restored_count: count, destination } = result;
  const line = `Took back ${count} ${count === 1 ? "change" : "changes"} in ${printable(destination)}.\n`;
  process.stdout.write(json ? jsonLine(result) : line);
  return 0;
}

function renderPull(result: Pulled): string {
  if (result.conflicts.length > 0) return renderConflicts(result);
  const { changes, written_count, deleted_count, kept_count, destination, dry_run, duration_ms } = result;
  const lines = changes.map(({ path, before, after }) => `${markOf(before, after)} ${path}`);
  const more = written_count + deleted_count - changes.length;
  if (more > 0) lines.push(`… and ${more} more`);
  const kept =
    kept_count === 0
      ? ""
      : `; ${countOf(kept_count)} deleted in the task ${kept_count === 1 ? "is" : "are"} kept, --delete removes ${kept_count === 1 ? "it" : "them"}`;
  const counts = `${countOf(written_count)} written, ${countOf(deleted_count)} deleted${kept}`;
  lines.push(
    dry_run
      ? `Would pull into ${destination}: ${counts}. Nothing was changed.`
      : `Pulled into ${destination} in ${duration_ms} ms: ${counts}.`,
  );
  return `${lines.map(printable).join("\n")}\n`;
}

function renderConflicts({ task_id, conflicts, destination }: Pulled): string {
  const lines = conflicts.map(({ path, reason, host, task }) => {
    if (reason === "occupied") return `conflict ${path}: a directory on this machine is in the way`;
    return `conflict ${path}: ${sideOf("this machine", host)}, ${sideOf("the task", task)}`;
  });
  const count = conflicts.length === 1 ? "1 conflict" : `${conflicts.length} conflicts`;
  lines.push(`${count}: nothing was written to ${destination}.`);
  lines.push(`Choose a side with --on-conflict task, host or both, or compare first: pyro task diff ${task_id}`);
  return `${lines.map(printable).join("\n")}\n`;
}

function sideOf(side: string, entry: Pulled["conflicts"][number]["host"]): string {
  if (entry === null) return `${side} deleted it`;
  if (entry.sha256 !== null) return `${side} has ${entry.sha256.slice(0, 12)}`;
  return `${side} has a ${entry.type}`;
}

function markOf(before: unknown, after: unknown): string {
  if (after === null) return "D";
  return before === null ? "A" : "M";
}

function countOf(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}
