import type { Client } from "../../client/client.js";
import { createTask } from "../../client/task-source.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openCreateProgress } from "./progress.js";
import { warnOf } from "./source-warnings.js";
import { renderTask } from "./task.js";

type TaskCreateInput = ArgumentsOf<"task.create"> & { readonly quiet?: boolean };

/** `pyro task create`: shows progress, then the task. */
export function taskCreate(client: Client, { quiet, ...input }: TaskCreateInput, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openCreateProgress(input.environment, "create");
    try {
      const task = await createTask(client, input, {
        signal,
        onEvent: (event) => {
          if (event.event === "progress") progress.show(event);
        },
      });
      progress.clear();
      if (!json) warnOf(warningsOf(task), "create");
      const text = quiet ? `${task.task_id}\n` : renderTask(task, Date.now());
      process.stdout.write(json ? jsonLine(task) : text);
      return 0;
    } finally {
      progress.clear();
    }
  });
}

function warningsOf({
  warnings = [],
  workspace_seed: { ignored_xattr_count: ignored },
}: ResultOf<"task.create">): string[] {
  if (!ignored) return warnings;
  return [...warnings, `Left out the extended attributes of ${ignored === 1 ? "1 entry" : `${ignored} entries`}`];
}
