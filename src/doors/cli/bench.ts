import { benchShort } from "../../bench/short.js";
import { renderCircumstances, renderConditions, type Report } from "../../bench/report.js";
import { renderPlain } from "../../bench/table.js";
import type { Client } from "../../client/client.js";
import { PyroError } from "../../contract/errors.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openProgress } from "./progress.js";
import { print } from "./show.js";

/** `pyro bench`: how fast VMs are on this machine, beside the machine itself. */
export function bench(client: Client, json: boolean): Promise<number> {
  if (client.transport.context !== null) {
    throw new PyroError(
      "FAILED_PRECONDITION",
      "`pyro bench` measures the machine that it runs on, not the machine of a context.",
      {
        hint: "Run it on that machine, or add --context local.",
      },
    );
  }
  return interruptible(json, async ({ signal }) => {
    const progress = openProgress("bench", { prefix: "bench", isEnvironment: false });
    try {
      const report = await benchShort(client, {
        signal,
        onStep: (message) => progress.show({ phase: "measure", message }),
        onEvent: (event) => {
          if (event.event === "progress") progress.show(event);
        },
      });
      progress.clear();
      return print(json ? jsonLine(report) : renderReport(report));
    } finally {
      progress.clear();
    }
  });
}

function renderReport({ conditions, sections }: Report): string {
  const parts = sections.map(
    (section) => `${section.tables.map(renderPlain).join("\n")}  ${renderCircumstances(section)}\n`,
  );
  return [`${renderConditions(conditions)}\n`, ...parts].join("\n");
}
