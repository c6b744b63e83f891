import { buildEnvironment } from "../../client/build-sources.js";
import type { Client } from "../../client/client.js";
import type { OperationEvent } from "../../contract/operation.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openProgress } from "./progress.js";
import { printable } from "./printable.js";
import { renderMib } from "./size.js";

/** `pyro env build`: the steps and their output on standard error, a few lines at the end. */
export function build(client: Client, input: ArgumentsOf<"env.build">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openProgress(input.from, { prefix: "build", isPatient: true });
    const onEvent = (event: OperationEvent) => {
      if (event.event === "stdout" || event.event === "stderr") return void process.stderr.write(event.data);
      if (event.event !== "progress") return;
      if (event.phase !== "build") return progress.show(event);
      progress.clear();
      process.stderr.write(`[build] ${printable(event.message)}\n`);
    };
    try {
      const result = await buildEnvironment(client, input, { signal, onEvent });
      progress.clear();
      process.stdout.write(json ? jsonLine(result) : renderBuilt(result));
      return 0;
    } finally {
      progress.clear();
    }
  });
}

function renderBuilt({ name, built, steps, size_bytes }: ResultOf<"env.build">): string {
  const lines = steps.map(({ text, cached }) => `${cached ? "known" : "done "}  ${printable(text)}`);
  const how = built ? "built" : "every step was known";
  return `${[...lines, `${printable(name)} is ready: ${how}, ${renderMib(size_bytes ?? 0)}.`].join("\n")}\n`;
}
