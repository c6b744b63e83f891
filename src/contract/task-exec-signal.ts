import { z } from "zod";

import { defineOperation } from "./operation.js";
import { execSequence, taskId } from "./task.js";

const signalNames = [
  "TERM",
  "INT",
  "KILL",
  "HUP",
  "QUIT",
  "USR1",
  "USR2",
  "STOP",
  "CONT",
  "ABRT",
  "ALRM",
  "WINCH",
] as const;

export const taskExecSignal = defineOperation({
  name: "task.exec_signal",
  summary: "Send a signal to a running command; KILL ends all it started",
  input: z.strictObject({
    task_id: taskId,
    sequence: execSequence,
    signal: z
      .enum(signalNames)
      .default("TERM")
      .describe(`One of ${signalNames.join(", ")}.`),
  }),
  output: z.object({
    task_id: z.string(),
    sequence: execSequence,
    signal: z.string(),
    sent: z.literal(true),
  }),
  streams: false,
  stdin: false,
  cli: { words: ["task", "signal"], positionals: ["task_id", "sequence", "signal"] },
  sdk: "signalTask",
  mcp: "task_exec_signal",
});
