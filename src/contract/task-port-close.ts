import { z } from "zod";

import { defineOperation } from "./operation.js";
import { guestPort } from "./port.js";
import { taskId } from "./task.js";

export const taskPortClose = defineOperation({
  name: "task.port.close",
  summary: "Stop publishing a port of a task, and close its connections",
  details: "Fails with `NOT_FOUND` when the port is not published.",
  effect: "stops",
  input: z.strictObject({ task_id: taskId, port: guestPort }),
  output: z
    .object({ task_id: z.string(), port: z.int(), closed: z.literal(true) })
    .meta({ title: "ClosedPort", description: "A port that is no longer published." }),
  cli: { words: ["task", "port", "close"], positionals: ["task_id", "port"] },
  sdk: { method: "closePort" },
  mcp: null,
});
