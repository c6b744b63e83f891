import type { Client } from "../../client/client.js";
import { followOutput, readOutput } from "../../client/task-output.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { renderOneWord } from "./one-word.js";
import { renderOutOfMemory } from "./out-of-memory.js";
import { openOutput, type Write } from "./output.js";
import { renderTimeout } from "./timeout.js";

type TaskOutputInput = ArgumentsOf<"task.exec_output"> & { readonly follow?: boolean };
type Page = ResultOf<"task.exec_output">;

/** `pyro task output`: prints a command's output on the same streams, and the next offsets. With JSON, one line per page. */
export function taskOutput(client: Client, { follow, ...input }: TaskOutputInput, json: boolean): Promise<number> {
  return interruptible(json, async (interruption) => {
    const { signal } = interruption;
    const write = openOutput(interruption);
    const place = json ? input : { ...input, encoding: "base64" as const };
    const pages = follow ? followOutput(client, place, signal) : [await readOutput(client, place, { signal })];
    let last: Page | null = null;
    for await (const page of pages) {
      if (json) await write("stdout", jsonLine(page));
      else await writePage(write, page);
      last = page;
    }
    if (last && !json) process.stderr.write(renderFooter(last));
    return 0;
  });
}

const streams = ["stdout", "stderr"] as const;

async function writePage(write: Write, page: Page): Promise<void> {
  for (const stream of streams) {
    const omittedBytes = page[`${stream}_omitted_bytes`];
    if (omittedBytes > 0)
      await write("stderr", `pyro: ${omittedBytes} bytes of ${stream} were lost: they are no longer kept.\n`);
  }
  const inTurns = streams.map((stream) => ({ stream, text: page[stream] }));
  for (const { stream, text } of page.interleaved ?? inTurns) {
    if (text !== "") await write(stream, Buffer.from(text, page[`${stream}_encoding`]));
  }
}

function renderFooter(page: Page): string {
  const { task_id, sequence, state, exit_code, timed_out, error } = page;
  const fields = { task_id, sequence, state, exit_code: exit_code ?? "none", ...(timed_out ? { timed_out } : {}) };
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const why = error ? `pyro: ${error.message}\n` : "";
  const { next_stdout_offset: stdout, next_stderr_offset: stderr } = page;
  const more = page.complete ? "" : `hint: Continue with --stdout-offset ${stdout} --stderr-offset ${stderr}.\n`;
  const hints = `${timed_out ? renderTimeout(page) : ""}${renderOutOfMemory(page, "pyro task create")}${renderOneWord(page)}`;
  return `${why}[task-output] ${words.join(" ")}\n${hints}${more}`;
}
