import { z } from "zod";

import { networkRules } from "./network.js";
import { defineOperation } from "./operation.js";
import { task, taskId } from "./task.js";

export const taskNetwork = defineOperation({
  name: "task.network",
  summary: "Replace the network rules of a running task",
  details:
    "A rule that is not given is gone. Connections that the new rules do not leave open without a name end. Later starts, snapshots and forks have the new rules. Fails with `FAILED_PRECONDITION` when the task is not started, when it has no network, and when an earlier pyro started its VM.",
  effect: "writes",
  input: z.strictObject({ task_id: taskId, ...networkRules }),
  output: task,
  cli: {
    words: ["task", "network"],
    positionals: ["task_id"],
    examples: ["pyro task network TASK --network-deny 203.0.113.0/24", "pyro task network TASK"],
  },
  sdk: { method: "setTaskNetwork" },
  mcp: null,
});
