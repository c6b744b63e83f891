import { z } from "zod";

import {
  accelerator,
  command,
  commandOutcome,
  cwd,
  defaultTimeoutSeconds,
  env,
  environmentName,
  interleaved,
  timeoutSeconds,
  user,
  vmShape,
} from "./fields.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { terminalFields } from "./terminal.js";
import { sourceFacts, sourceFilter, sourcePath, warnings } from "./source.js";

export const vmRun = defineOperation({
  name: "vm.run",
  summary: "Run one command in a fresh VM, then remove the VM",
  details:
    "Fails with `ENVIRONMENT_UNKNOWN`, with `HOST_NOT_ABLE` when no VM can run here, with `RESOURCE_EXHAUSTED` when the host lacks the memory.",
  effect: "runs",
  input: z.strictObject({
    environment: environmentName,
    command,
    cwd,
    env,
    user,
    ...terminalFields,
    source_path: sourcePath.optional(),
    ...sourceFilter,
    vcpu_count: vmShape.vcpu_count,
    mem_mib: vmShape.mem_mib,
    timeout_seconds: timeoutSeconds,
    interleaved,
    ttl_seconds: vmShape.ttl_seconds,
    ...networkFields,
    allow_host_compat: vmShape.allow_host_compat,
    require_isolation: vmShape.require_isolation,
    default_timeout_seconds: defaultTimeoutSeconds,
    ...sourceFacts,
  }),
  output: z
    .object({
      vm_id: z.string(),
      environment: z.string(),
      command: z.string(),
      ...commandOutcome,
      accelerator,
      cleanup: z.object({ deleted: z.boolean() }).describe("Whether the VM was deleted."),
      warnings: warnings.optional(),
    })
    .meta({ title: "RunResult", description: "The result of a VM's command." }),
  streams: true,
  body: "session",
  bulk: ["stdout", "stderr"],
  cli: {
    words: ["run"],
    positionals: ["environment"],
    rest: "command",
    examples: [
      "pyro run debian:12 -- git --version",
      "pyro run debian:12 -- sh -c 'echo $HOME; exit 7'",
      "seq 1 1000 | pyro run debian:12 -- sha256sum",
      "pyro run debian:12-build --mem-mib 4096 --timeout-seconds 600 -- make",
      "pyro run debian:12 --source-path . --env CI=1 -- make test",
      "pyro run debian:12 -t -- bash",
      "pyro run debian:12 --json -- uname -r",
    ],
  },
  sdk: { method: "runInVm", optionsType: "RunOptions" },
  mcp: {
    tool: "vm_run",
    title: "Run a command in a fresh VM",
    description:
      "First choice for running anything once: a shell command, a script, untrusted code. Starts a new Linux VM (under a second), runs the command in /workspace, returns exit_code, stdout and stderr, and removes the VM and its files. " +
      "A non-zero exit_code is a result, not an error. A missing environment is built first, which takes a minute. If your client stops waiting, often after 60 s, the command is killed. For several steps on the same files, or more than 30 s, use task_create and task_exec.",
    profile: "core",
  },
});
