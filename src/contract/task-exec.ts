import { z } from "zod";

import { command, cwd, defaultTimeoutSeconds, env, interleaved, requestId, timeoutSeconds, user } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";
import { terminalFields } from "./terminal.js";

export const taskExec = defineOperation({
  name: "task.exec",
  summary: "Run a command in a task; the task stays",
  details:
    "Several commands may run at once. A stopped task is started first. If the daemon dies, the command keeps running and the call reconnects. Fails with `FAILED_PRECONDITION` when the VM has ended, with `RESOURCE_EXHAUSTED` when 64 commands are running.",
  effect: "runs",
  input: z.strictObject({
    task_id: taskId,
    command,
    timeout_seconds: timeoutSeconds.describe(
      "Seconds until the command is killed. Default: none in the background or with a terminal, else the task's own, else the default time-out.",
    ),
    cwd,
    env,
    user,
    ...terminalFields,
    interleaved,
    background: z
      .boolean()
      .default(false)
      .describe("Return at once; the command keeps running, without standard input."),
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
      "pyro task exec TASK -t -- bash",
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
      "For servers, builds and anything that may take over 30 s set background: true. It returns the sequence at once and has no time-out unless you set one; read with task_exec_output. After 45 s any call returns state running and the command continues: read it the same way.",
    profile: "core",
  },
});
