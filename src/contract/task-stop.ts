import { z } from "zod";

import { defineOperation } from "./operation.js";
import { task, taskId } from "./task.js";

export const taskStop = defineOperation({
  name: "task.stop",
  summary: "Save a task with its running processes, and free its memory",
  details:
    "The task is stopped until it is started, by `task.start` or by the next command or change of its files. Reading its files leaves it stopped. It survives the end of the daemon and of the host. Time in which it is stopped counts neither for time-outs nor for its time to live. Open connections end.",
  effect: "stops",
  input: z.strictObject({ task_id: taskId }),
  output: task,
  cli: { words: ["task", "stop"], positionals: ["task_id"], examples: ["pyro task stop TASK"] },
  sdk: { method: "stopTask" },
  mcp: null,
});

export const taskStart = defineOperation({
  name: "task.start",
  summary: "Continue a stopped task where it was stopped",
  details:
    "Fails with `FAILED_PRECONDITION` when the task has failed, or was stopped by the end of its host and has no snapshot to start from.",
  effect: "creates",
  input: z.strictObject({ task_id: taskId }),
  output: task,
  streams: true,
  cli: { words: ["task", "start"], positionals: ["task_id"], examples: ["pyro task start TASK"] },
  sdk: { method: "startTask" },
  mcp: null,
});
