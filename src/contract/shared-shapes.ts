import { z } from "zod";

import { environment } from "./environment.js";
import { commandOutcome, cwd, env, timeoutSeconds, vmShape } from "./fields.js";
import { networkFields } from "./network.js";
import { sourceFilter } from "./source.js";
import { taskExec } from "./task-exec.js";
import { task, workspaceSeed } from "./task.js";

/** Fields that several operations share. In TypeScript each shape is a type; types with all of its fields extend it. */

const { exit_code: _, ...outcome } = commandOutcome;

export const sharedResults = [
  environment,
  z.object({ command: z.string().describe("The command line that the guest's shell ran."), ...outcome }).meta({
    title: "CommandResult",
    description: "How a command ended. An exit code other than 0, a time-out and a cancel are results, not errors.",
  }),
  task,
  workspaceSeed,
];

const timeout = {
  timeout_seconds: timeoutSeconds.describe(
    "Seconds until the command and every process it started are killed. Default: none for a background command, else the task's own, else `PYRO_TIMEOUT_SECONDS`, else the default time-out.",
  ),
};

export const sharedOptions = [
  z.object(timeout).meta({ title: "CommandOptions", description: "Options of every call that runs a command." }),
  z.object({ ...timeout, cwd, env }).meta({ title: "ExecOptions", description: "Where and how a command runs." }),
  taskExec.input
    .omit({ task_id: true, command: true })
    .meta({ title: "TaskExecOptions", description: "Where and how a command runs in a task." }),
  z.object(networkFields).meta({
    title: "NetworkOptions",
    description: "The network of a VM; without `network` it has no network interface.",
  }),
  z
    .object({ ...vmShape, ...networkFields })
    .meta({ title: "VmOptions", description: "The shape and lifetime of a VM." }),
  z.object(sourceFilter).meta({ title: "SourceFilter", description: "Which entries of a source are used." }),
];
