import { z } from "zod";

import { command, cwd, defaultTimeoutSeconds, env, interleaved, timeoutSeconds, user } from "./fields.js";
import { defineOperation } from "./operation.js";
import { vmRun } from "./vm-run.js";
import { vmId } from "./vm.js";

export const vmExec = defineOperation({
  name: "vm.exec",
  summary: "Run one command in a started VM, then remove the VM",
  details: "Fails with `FAILED_PRECONDITION` when the VM is not started.",
  effect: "runs",
  input: z.strictObject({
    vm_id: vmId,
    command,
    timeout_seconds: timeoutSeconds,
    cwd,
    env,
    user,
    interleaved,
    default_timeout_seconds: defaultTimeoutSeconds,
  }),
  output: vmRun.output,
  streams: true,
  body: "session",
  bulk: ["stdout", "stderr"],
  cli: null,
  sdk: { method: "execVm", optionsType: "ExecCommandOptions" },
  mcp: {
    tool: "vm_exec",
    title: "Run the command of a VM",
    description: "Step 3: runs one command in a started VM, then removes the VM. For more commands use a task.",
  },
});
