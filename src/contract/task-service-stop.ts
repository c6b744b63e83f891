import { z } from "zod";

import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { serviceReference, taskService } from "./service.js";

export const taskServiceStop = defineOperation({
  name: "task.service.stop",
  summary: "Stop a service of a task, and close the ports that it published",
  details:
    "Its command gets TERM; when the command has ended, or after the grace, everything that it has started is killed. Repeating it is harmless.",
  effect: "stops",
  input: z.strictObject({
    ...serviceReference,
    grace_seconds: z.int().min(0).max(limits.readySeconds.max).default(10).describe("Seconds between TERM and KILL."),
  }),
  output: taskService,
  cli: { words: ["task", "service", "stop"], positionals: ["task_id", "name"] },
  sdk: { method: "stopService" },
  mcp: null,
});
