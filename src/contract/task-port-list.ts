import { z } from "zod";

import { defineOperation } from "./operation.js";
import { publishedPort } from "./port.js";
import { taskId } from "./task.js";

export const taskPortList = defineOperation({
  name: "task.port.list",
  summary: "List the published ports of a task",
  effect: "reads",
  input: z.strictObject({ task_id: taskId }),
  output: z
    .object({ task_id: z.string(), ports: z.array(publishedPort) })
    .meta({ title: "PortList", description: "The published ports of a task." }),
  cli: { words: ["task", "port", "list"], positionals: ["task_id"] },
  sdk: { method: "listPorts" },
  mcp: null,
});
