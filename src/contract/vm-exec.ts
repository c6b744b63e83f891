import { z } from "zod";

import { command, cwd, defaultTimeoutSeconds, env, timeoutSeconds } from "./fields.js";
import { defineOperation } from "./operation.js";
import { vmRun } from "./vm-run.js";
import { vmId } from "./vm.js";

export const vmExec = defineOperation({
  name: "vm.exec",
  summary: "Run one command in a started VM, then remove the VM",
  input: z.strictObject({
    vm_id: vmId,
    command,
    timeout_seconds: timeoutSeconds,
    cwd,
    env,
    default_timeout_seconds: defaultTimeoutSeconds,
  }),
  output: vmRun.output,
  streams: true,
  stdin: true,
  cli: null,
  sdk: "execVm",
  mcp: "vm_exec",
});
