import { isatty } from "node:tty";

import type { Client } from "../../client/client.js";
import type { CallEvent } from "../../client/event.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { openOutput } from "./output.js";
import { openProgress } from "./progress.js";

/** `pyro run`: the command's streams are ours, and so is its exit status. */
export function run(client: Client, input: ArgumentsOf<"vm.run">, json: boolean): Promise<number> {
  return interruptible(json, async (interruption) => {
    const write = openOutput(interruption);
    const progress = openProgress(input.environment, null);
    const onEvent = async (event: CallEvent) => {
      if (json) return;
      if (event.event === "progress") return progress.show(event);
      progress.clear();
      await write(event.event, event.data);
    };
    try {
      const { signal } = interruption;
      const stdin = isatty(0) ? {} : { stdin: readStdin() };
      const result = await client.call("vm.run", input, { signal, onEvent, ...stdin });
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
      return exitStatusOf(result, json || signal.aborted);
    } finally {
      progress.clear();
    }
  });
}

/** Touches standard input only when the first byte is asked for. */
async function* readStdin(): AsyncGenerator<Uint8Array> {
  yield* process.stdin as AsyncIterable<Buffer>;
}

function exitStatusOf(result: ResultOf<"vm.run">, quiet: boolean): number {
  if (result.timed_out) {
    if (!quiet) process.stderr.write(`pyro: The time-out ended the command after ${result.duration_ms} ms.\n`);
    return 124;
  }
  if (result.aborted) {
    if (!quiet) process.stderr.write("pyro: The command was aborted.\n");
    return 125;
  }
  return result.exit_code;
}
