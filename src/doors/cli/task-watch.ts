import type { Client } from "../../client/client.js";
import { type WatchEvent, watchTask } from "../../client/watch/watch-task.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import { print } from "./show.js";

/** Names of changed entries in one line. */
const NAMED = 5;

/** `pyro task watch`: prints a line for each push (a JSON object with `--json`) until Ctrl-C, which is its normal end. */
export async function taskWatch(client: Client, input: ArgumentsOf<"task.watch">, json: boolean): Promise<number> {
  const status = await interruptible(json, async ({ signal }) => {
    const onEvent = async (event: WatchEvent) => {
      if (json) await print(renderJson(event));
      else if (hasNews(event)) await print(renderEvent(event));
    };
    await watchTask(client, input, { signal, onEvent });
    return 0;
  });
  return status === 130 || status === 143 ? 0 : status;
}

/** False when a push found nothing to send, as after a change of an excluded file. */
function hasNews(event: WatchEvent): boolean {
  if (event.event === "failed" || event.changed.length === 0) return true;
  const { entry_count, unchanged_count, deleted_count, kept_count } = event.result;
  return entry_count > unchanged_count || deleted_count > 0 || kept_count > 0;
}

function renderJson(event: WatchEvent): string {
  const shown = event.event === "pushed" ? event : { ...event, error: event.error.toBody() };
  return jsonLine(shown);
}

function renderEvent(event: WatchEvent): string {
  if (event.event === "failed") {
    const { message, code, hint } = event.error;
    const next = event.retries ? "It is tried again." : hint;
    return `${printable(`Not pushed: ${message} (${code}) ${next}`)}\n`;
  }
  const { changed, result } = event;
  const written = result.entry_count - result.unchanged_count;
  const deleted = result.deleted_count === 0 ? "" : `, ${result.deleted_count} deleted`;
  const kept = result.kept_count === 0 ? "" : `, ${result.kept_count} kept, because the task has changed them`;
  const more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : "";
  const names = changed.length === 0 ? "" : `: ${changed.slice(0, NAMED).join(", ")}${more}`;
  const line = `Pushed ${written === 1 ? "1 entry" : `${written} entries`}${deleted}${kept} in ${result.duration_ms} ms${names}`;
  return [line, ...result.warnings].map((text) => `${printable(text)}\n`).join("");
}
