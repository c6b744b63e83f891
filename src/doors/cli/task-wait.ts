import type { Client } from "../../client/client.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { jsonLine } from "./json-line.js";
import { renderOutOfMemory } from "./out-of-memory.js";
import { exitStatusOf } from "./run.js";
import { print } from "./show.js";
import { renderFooter } from "./task-exec.js";

/** Exit status when the command still runs at the end of the waiting time, as in `timeout`. */
const STILL_RUNNING_STATUS = 124;

/** `pyro task wait`: prints the command's output on the same streams, and returns its exit status. Ctrl-C leaves it running. */
export async function taskWait(client: Client, input: ArgumentsOf<"task.wait">, json: boolean): Promise<number> {
  const result = await client.call("task.wait", input);
  if (json) print(jsonLine(result));
  else {
    process.stdout.write(Buffer.from(result.stdout, result.stdout_encoding));
    process.stderr.write(Buffer.from(result.stderr, result.stderr_encoding));
    process.stderr.write(renderFooter(result, "task-wait") + renderOutOfMemory(result, "pyro task create"));
  }
  if (result.state === "ended") return exitStatusOf(result, json);
  if (!json) process.stderr.write(`pyro: Command ${result.sequence} is still running.\n`);
  return STILL_RUNNING_STATUS;
}
