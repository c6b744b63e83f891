import { z } from "zod";

import { defineOperation } from "./operation.js";
import { execSequence, taskId } from "./task.js";

/** Signals by name, with the numbers of Linux. */
const signals = {
  ...{ TERM: 15, INT: 2, KILL: 9, HUP: 1, QUIT: 3, USR1: 10, USR2: 12 },
  ...{ STOP: 19, CONT: 18, ABRT: 6, ALRM: 14, WINCH: 28 },
} as const;

type SignalName = keyof typeof signals;
const signalNames = Object.keys(signals) as [SignalName, ...SignalName[]];

/** `SIGTERM`, `sigterm` and 15 are TERM. */
function normaliseSignal(given: unknown): unknown {
  const text = String(given).toUpperCase().replace(/^SIG/, "");
  return signalNames.find((name) => name === text || String(signals[name]) === text) ?? given;
}

const signalEnum = z.enum(signalNames).meta({ title: "SignalName", description: "The signals that can be sent." });

const signalName = z.preprocess(normaliseSignal, signalEnum.default("TERM")) as unknown as z.ZodDefault<
  z.ZodEnum<{ [Name in SignalName]: Name }>
>;

export const taskExecSignal = defineOperation({
  name: "task.exec_signal",
  summary: "Send a signal to a running command; KILL also ends every process it started",
  details: "Fails with `FAILED_PRECONDITION` when the command has ended.",
  effect: "stops",
  input: z.strictObject({
    task_id: taskId,
    sequence: execSequence,
    signal: signalName.describe(`One of ${signalNames.join(", ")}.`),
  }),
  output: z
    .object({
      task_id: z.string(),
      sequence: execSequence,
      signal: z.string(),
      sent: z.literal(true),
    })
    .meta({ title: "SentSignal", description: "A signal that was sent to a command." }),
  cli: {
    words: ["task", "signal"],
    positionals: ["task_id", "sequence", "signal"],
    examples: ["pyro task signal TASK 3", "pyro task signal TASK 3 KILL", "pyro task signal TASK 3 9"],
  },
  sdk: { method: "signalTask", optionsType: "SignalOptions" },
  mcp: {
    tool: "task_exec_signal",
    title: "Signal a command",
    description:
      "Sends a signal to a running command of a task and every process it started, for example to stop a server. KILL if TERM does not help.",
  },
});
