import { z } from "zod";

import {
  accelerator,
  command,
  commandOutcome,
  cwd,
  defaultTimeoutSeconds,
  env,
  environmentName,
  timeoutSeconds,
  vmShape,
} from "./fields.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { sourceFacts, sourceFilter, sourcePath, warnings } from "./source.js";

export const vmRun = defineOperation({
  name: "vm.run",
  summary: "Run one command in a fresh VM, then remove the VM",
  input: z.strictObject({
    environment: environmentName,
    command,
    cwd,
    env,
    source_path: sourcePath.optional(),
    ...sourceFilter,
    vcpu_count: vmShape.vcpu_count,
    mem_mib: vmShape.mem_mib,
    timeout_seconds: timeoutSeconds,
    ttl_seconds: vmShape.ttl_seconds,
    ...networkFields,
    allow_host_compat: vmShape.allow_host_compat,
    default_timeout_seconds: defaultTimeoutSeconds,
    ...sourceFacts,
  }),
  output: z.object({
    vm_id: z.string(),
    environment: z.string(),
    command: z.string(),
    ...commandOutcome,
    accelerator,
    cleanup: z.object({ deleted: z.boolean() }).describe("What became of the VM."),
    warnings: warnings.optional(),
  }),
  streams: true,
  stdin: true,
  upload: true,
  cli: { words: ["run"], positionals: ["environment"], rest: "command" },
  sdk: "runInVm",
  mcp: "vm_run",
});
