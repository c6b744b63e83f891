import { z } from "zod";

import { defineOperation } from "./operation.js";
import { guestPort, portNumber, publishedPort } from "./port.js";
import { taskId } from "./task.js";

export const taskPortPublish = defineOperation({
  name: "task.port.publish",
  summary: "Make a server in a task reachable on 127.0.0.1 of the host",
  details:
    "Repeating it is harmless. Fails with `FAILED_PRECONDITION` when the task is not started or the host port is not available, with `ALREADY_EXISTS` when the port is published on another host port.",
  effect: "creates",
  input: z.strictObject({
    task_id: taskId,
    port: guestPort,
    host_port: portNumber.optional().describe("Port on the host; default: a free one."),
  }),
  output: publishedPort
    .extend({ task_id: z.string() })
    .meta({ title: "PublishResult", description: "A published port." }),
  cli: {
    words: ["task", "port", "publish"],
    positionals: ["task_id", "port"],
    examples: ["pyro task port publish TASK 8000", "pyro task port publish TASK 8000 --host-port 8080"],
  },
  sdk: { method: "publishPort" },
  mcp: {
    tool: "task_port",
    title: "Publish a port",
    description:
      "Makes a server that listens in the task on 127.0.0.1 reachable on the user's machine and returns its URL. Start the server first, with background: true. Works without a network.",
    profile: "full",
  },
});
