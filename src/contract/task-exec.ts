import { z } from "zod";

import { command, cwd, defaultTimeoutSeconds, env, interleaved, requestId, timeoutSeconds } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

export const taskExec = defineOperation({
  name: "task.exec",
  summary: "Run a command in a task; the task stays",
  details:
    "Several may run at once. When the daemon dies meanwhile, the command goes on, and so does this call. Fails with `FAILED_PRECONDITION` when the VM is gone, with `RESOURCE_EXHAUSTED` when 64 commands run already.",
  effect: "runs",
  input: z.strictObject({
    task_id: taskId,
    command,
    timeout_seconds: timeoutSeconds.describe(
      "Seconds until the command is killed. Without it: none in the background, else the task's own, else the default.",
    ),
    cwd,
    env,
    interleaved,
    background: z.boolean().default(false).describe("Answer at once; the command goes on without standard input."),
    request_id: requestId,
    default_timeout_seconds: defaultTimeoutSeconds,
  }),
  output: taskExecOutcome,
  streams: true,
  body: "session",
  bulk: ["stdout", "stderr"],
  cli: {
    words: ["task", "exec"],
    positionals: ["task_id"],
    rest: "command",
    examples: [
      "pyro task exec TASK -- make test",
      "pyro task exec TASK --env CI=1 --cwd /workspace/app -- npm test",
      'while read f; do pyro task exec TASK -n -- wc -c "$f"; done <list',
      "pyro task exec TASK --background --timeout-seconds 86400 -- npm start",
    ],
  },
  sdk: { method: "execTask" },
  mcp: {
    tool: "task_exec",
    title: "Run a command in a task",
    description:
      "Runs a shell command in the task's /workspace and returns its output. Files stay for the next command; variables and the directory do not. " +
      "For servers, builds and whatever may take over 30 s set background: true, which has no time-out unless you give one; you get the sequence at once and read with task_exec_output. A command that takes over 45 s is answered with state running and goes on: do the same.",
  },
});
