import { z } from "zod";

import { command, cwd, env } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { publish, ready, restart, serviceReference, serviceWait, taskService } from "./service.js";

const { readySeconds } = limits;

export const taskServiceStart = defineOperation({
  name: "task.service.start",
  summary: "Start a service in a task, and wait until it is ready",
  details:
    "A stopped task is started first. The service keeps running without its client and daemon; an ended service of the same name is replaced. Fails with `SERVICE_NOT_READY` and the last lines of its output when it ends, or is not ready in time, and is then stopped; with `ALREADY_EXISTS` when a service of this name runs.",
  effect: "runs",
  input: z.strictObject({
    ...serviceReference,
    command,
    cwd,
    env,
    ready: ready.optional(),
    ready_timeout_seconds: z
      .int()
      .min(readySeconds.min)
      .max(readySeconds.max)
      .default(60)
      .describe("Seconds until a service that is not ready is stopped."),
    publish,
    restart,
    wait_seconds: serviceWait
      .optional()
      .meta({ waits: true })
      .describe("Seconds to wait; the service then stays `starting`. Default: until it is ready or failed."),
  }),
  output: taskService,
  cli: {
    words: ["task", "service", "start"],
    positionals: ["task_id", "name"],
    rest: "command",
    examples: [
      "pyro task service start TASK web --ready http:8000/ --publish 8000 -- ./serve",
      "pyro task service start TASK db --restart on-failure -- ./db --foreground",
    ],
  },
  sdk: { method: "startService" },
  mcp: null,
});
