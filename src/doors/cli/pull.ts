import type { Client } from "../../client/client.js";
import type { ArgumentsOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openProgress } from "./progress.js";
import { printable } from "./printable.js";
import { renderMib } from "./size.js";

/** `pyro env pull`: progress on standard error, one line at the end. */
export function pull(client: Client, input: ArgumentsOf<"env.pull">, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openProgress(input.environment, { prefix: "pull" });
    try {
      const result = await client.call("env.pull", input, {
        signal,
        onEvent: (event) => {
          if (event.event === "progress") progress.show(event);
        },
      });
      progress.clear();
      if (json) process.stdout.write(jsonLine(result));
      else {
        const how = result.repaired ? "repaired" : result.built ? "built" : "was already installed";
        process.stdout.write(`${printable(result.name)} is ready: ${how}, ${renderMib(result.size_bytes ?? 0)}.\n`);
        if (result.moved_to)
          process.stdout.write(`Its tag now names ${printable(result.moved_to)}; \`--update\` takes that image.\n`);
        if (result.registry_checked === false)
          process.stdout.write("The registry did not say whether its tag has moved.\n");
      }
      return 0;
    } finally {
      progress.clear();
    }
  });
}
