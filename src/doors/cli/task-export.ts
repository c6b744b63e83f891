import type { Client } from "../../client/client.js";
import { exportTask } from "../../client/export/export.js";
import { streamBytes } from "../../client/stream-bytes.js";
import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import { written } from "./show.js";
import { renderBytes } from "./size.js";

/** `pyro task export`: an archive or a directory of this machine, or an archive on standard output. */
export function taskExport(client: Client, input: ArgumentsOf<"task.export_to">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    if (input.output === "-") return sendToStdout(client, input, { json, signal });
    const result = await exportTask(client, input, { signal });
    process.stdout.write(json ? jsonLine(result) : render(result));
    return 0;
  });
}

async function sendToStdout(
  client: Client,
  { task_id, path }: ArgumentsOf<"task.export_to">,
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<number> {
  if (json) throw new PyroError("INVALID_ARGUMENT", "`--json` and `--output -` both need standard output.");
  for await (const bytes of streamBytes(client, "task.export", { task_id, path }, signal)) await written(bytes);
  return 0;
}
function render({ entry_count, bytes, skipped_special, output }: ResultOf<"task.export_to">): string {
  const entries = entry_count === 1 ? "1 entry" : `${entry_count} entries`;
  const skipped = skipped_special === 0 ? "" : `; left out ${skipped_special} special files`;
  return `Exported ${entries} (${renderBytes(bytes)}) to ${printable(output)}${skipped}.\n`;
}
