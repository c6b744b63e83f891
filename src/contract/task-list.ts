import { z } from "zod";

import { defineOperation } from "./operation.js";
import { task } from "./task.js";

export const taskList = defineOperation({
  name: "task.list",
  summary: "List the tasks",
  input: z.strictObject({
    labels: z
      .array(z.string().min(1).max(320))
      .max(64)
      .default([])
      .describe("Only tasks with this label: KEY, or KEY=VALUE.")
      .meta({ flag: "label" }),
  }),
  output: z.object({ tasks: z.array(task) }),
  streams: false,
  stdin: false,
  readOnly: true,
  cli: { words: ["task", "list"], positionals: [] },
  sdk: "listTasks",
  mcp: "task_list",
});
