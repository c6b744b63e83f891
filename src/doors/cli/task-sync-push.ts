import type { Client } from "../../client/client.js";
import { pushTaskSync } from "../../client/task-source.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import { openTransferProgress } from "./progress.js";
import { warnOf } from "./source-warnings.js";
import { renderBytes } from "./size.js";

/** `pyro task sync push`: shows progress after a second, and a summary; with `--dry-run` lists the entries that would be written. */
export function taskSyncPush(client: Client, input: ArgumentsOf<"task.sync.push">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openTransferProgress(input.source_path, "push");
    try {
      const result = await pushTaskSync(client, input, {
        signal,
        onEvent: (event) => {
          if (!json && event.event === "progress") progress.show(event);
        },
      });
      progress.clear();
      const { ignored_xattr_count: ignored } = result;
      if (ignored > 0 && !json) process.stderr.write(`Left out the extended attributes of ${renderCount(ignored)}.\n`);
      if (!json) warnOf(result.warnings, "push");
      process.stdout.write(json ? jsonLine(result) : renderPush(result));
      return 0;
    } finally {
      progress.clear();
    }
  });
}

function renderPush(result: ResultOf<"task.sync.push">): string {
  const {
    entries = [],
    entry_count,
    bytes_written,
    excluded_count,
    unchanged_count,
    deleted_count,
    kept_count,
    destination,
    duration_ms,
    dry_run,
  } = result;
  const listed = entries.map(
    ({ path, type, size_bytes }) => `${type.padEnd(9)} ${renderBytes(size_bytes).padStart(9)}  ${path}`,
  );
  const more = dry_run && entries.length < entry_count ? [`… and ${entry_count - entries.length} more`] : [];
  const what = `${renderCount(entry_count)} (${renderBytes(bytes_written)})`;
  const leftOut = excluded_count === 0 ? "" : `; ${excluded_count} left out`;
  const unchanged = unchanged_count === 0 ? "" : `; ${unchanged_count} unchanged`;
  const deleted = deleted_count === 0 ? "" : `; ${deleted_count} deleted`;
  const kept = kept_count === 0 ? "" : `; ${kept_count} kept, because the task has changed them`;
  const counts = `${unchanged}${deleted}${kept}${leftOut}`;
  const last = dry_run
    ? `Would push ${what} to ${destination}${counts}. Nothing was changed.`
    : `Pushed ${what} to ${destination} in ${duration_ms} ms${counts}.`;
  return `${[...listed, ...more, last].map(printable).join("\n")}\n`;
}

function renderCount(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}
