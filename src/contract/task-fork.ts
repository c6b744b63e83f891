import { z } from "zod";

import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { task, taskId, taskName } from "./task.js";

export const taskFork = defineOperation({
  name: "task.fork",
  summary: "Copy a task with its running processes",
  details:
    "The forks have their own id, hostname, addresses and log, which begins with the commands that ran: they are still running. Standard input and open connections end. Fails with `RESOURCE_EXHAUSTED` when the host cannot hold that many; `details.possible` has the number. Fails with `FAILED_PRECONDITION` when the task has failed, with `HOST_NOT_ABLE` in `host_compat`.",
  effect: "creates",
  input: z.strictObject({
    task_id: taskId.describe("Id or name of a task or a snapshot."),
    count: z.int().min(1).max(limits.forkCount).default(1).describe("Number of forks."),
    name: taskName.optional().describe("Name of the fork; several get NAME-1, NAME-2 and so on."),
  }),
  output: z
    .object({ tasks: z.array(task).describe("The forks.") })
    .meta({ title: "ForkedTasks", description: "The forks of a task or snapshot." }),
  streams: true,
  cli: {
    words: ["task", "fork"],
    positionals: ["task_id"],
    flags: { quiet: "Print only the ids, one per line." },
    examples: ["pyro task fork TASK", "pyro task fork TASK --count 4 --name attempt", "FORK=$(pyro task fork TASK -q)"],
  },
  sdk: { method: "forkTask" },
  mcp: {
    tool: "task_fork",
    title: "Fork a task",
    description:
      "Copies a task with its files and running processes. Returns the new tasks; delete those that you do not keep.",
  },
});
