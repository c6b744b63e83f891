import { z } from "zod";

import { defineOperation } from "./operation.js";
import { service, serviceReference, serviceWait, taskService } from "./service.js";
import { taskId } from "./task.js";

export const taskServiceList = defineOperation({
  name: "task.service.list",
  summary: "List the services of a task",
  effect: "reads",
  input: z.strictObject({ task_id: taskId }),
  output: z
    .object({ task_id: z.string(), services: z.array(service) })
    .meta({ title: "ServiceList", description: "The services of a task." }),
  cli: { words: ["task", "service", "list"], positionals: ["task_id"] },
  sdk: { method: "listServices" },
  mcp: null,
});

export const taskServiceStatus = defineOperation({
  name: "task.service.status",
  summary: "Show a service of a task",
  effect: "reads",
  input: z.strictObject({
    ...serviceReference,
    wait_seconds: serviceWait
      .default(0)
      .meta({ waits: true })
      .describe("Seconds to wait while it is starting or waiting."),
  }),
  output: taskService,
  cli: { words: ["task", "service", "status"], positionals: ["task_id", "name"] },
  sdk: { method: "statusService" },
  mcp: null,
});
