import { z } from "zod";

import { command } from "./fields.js";
import { defineOperation } from "./operation.js";
import { publish, ready, restart, service, serviceName, serviceWait } from "./service.js";
import { taskId } from "./task.js";

/** The operations on services as one tool, since every session pays for the schema of each tool. */
export const taskService = defineOperation({
  name: "task.service",
  summary: "Work on the services of a task",
  effect: "runs",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    action: z.enum(["start", "list", "status", "logs", "stop"]),
    name: serviceName.optional().describe("Needed except for list."),
    command: command.optional().describe("For start."),
    ready: ready.optional().describe("For start: http:PORT/PATH, tcp:PORT, file:PATH, log:TEXT or command:CMD."),
    publish: publish.describe("For start: ports to publish."),
    restart: restart.describe("For start."),
    cursor: z.string().optional().describe("For logs: start, or the last answer's; waits for new output."),
    wait_seconds: serviceWait.default(30).meta({ waits: true }).describe("Seconds to wait."),
  }),
  output: z.object({
    services: z.array(service).optional(),
    text: z.string().optional(),
    cursor: z.string().optional(),
  }),
  cli: null,
  sdk: null,
  mcp: {
    tool: "task_service",
    title: "Services",
    description:
      "Runs a server in the task until it is stopped, and waits until it is ready. start, stop and status return its state, URLs and last lines.",
    profile: "full",
    textOnly: true,
  },
});
