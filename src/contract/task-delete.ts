import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskDelete = defineOperation({
  name: "task.delete",
  summary: "Remove a task, its VM and its logs; aborts running commands",
  effect: "removes",
  input: z.strictObject({ task_id: taskId }),
  output: z
    .object({ task_id: z.string(), deleted: z.literal(true) })
    .meta({ title: "DeletedTask", description: "A task that was deleted." }),
  cli: { words: ["task", "delete"], positionals: ["task_id"] },
  sdk: { method: "deleteTask" },
  mcp: {
    tool: "task_delete",
    title: "Delete a task",
    description: "Removes a task with its VM, files and logs; running commands are killed. Cannot be undone.",
    profile: "core",
  },
});
