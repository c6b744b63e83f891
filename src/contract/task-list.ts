import { z } from "zod";

import { defineOperation } from "./operation.js";
import { task } from "./task.js";

export const taskList = defineOperation({
  name: "task.list",
  summary: "List the tasks",
  effect: "reads",
  input: z.strictObject({
    labels: z
      .array(z.string().min(1).max(320))
      .max(64)
      .default([])
      .describe("Only tasks with this label: KEY, or KEY=VALUE.")
      .meta({ flag: "label" }),
  }),
  output: z.object({ tasks: z.array(task) }).meta({ title: "TaskList", description: "The tasks of this home." }),
  cli: {
    words: ["task", "list"],
    positionals: [],
    flags: { quiet: "Print only the ids, one per line." },
  },
  sdk: { method: "listTasks" },
  mcp: {
    tool: "task_list",
    title: "List tasks",
    description: "All tasks with their state, including those of other sessions.",
  },
});
