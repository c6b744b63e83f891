import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskDelete = defineOperation({
  name: "task.delete",
  summary: "Remove a task, its VM and its logs; commands that run are aborted",
  input: z.strictObject({ task_id: taskId }),
  output: z.object({ task_id: z.string(), deleted: z.literal(true) }),
  streams: false,
  stdin: false,
  cli: { words: ["task", "delete"], positionals: ["task_id"] },
  sdk: "deleteTask",
  mcp: "task_delete",
});
