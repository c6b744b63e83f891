import { terminalOf } from "../../contract/terminal.js";
import { runCommand } from "../exec/command.js";
import { takeUser } from "../exec/user.js";
import { resolveCwd } from "../exec/cwd.js";
import { takeDirectory } from "../exec/directory.js";
import { WORKSPACE } from "../workspace/destination.js";
import { networkRequestOf } from "../machines/network.js";
import type { Handler } from "../core.js";
import { asFound } from "../machines/lasting.js";
import { assertChoices } from "../workspace/import.js";
import { seedWorkspace } from "../workspace/seed.js";
import { resolveTimeout } from "../exec/timeout.js";

export const vmRun: Handler<"vm.run"> = async (core, input, call) => {
  assertChoices(input);
  const request = {
    environment: input.environment,
    vcpuCount: input.vcpu_count,
    memMib: input.mem_mib,
    allowHostCompat: input.allow_host_compat,
    requireIsolation: input.require_isolation,
    network: networkRequestOf(input),
  };
  const acquired = await core.machines.acquire(request, call);
  const { machine, shape } = acquired;
  let outcome;
  try {
    const user = await takeUser(acquired, input.user);
    const directory = await takeDirectory(acquired, input);
    await seedWorkspace(machine, input, call);
    if (call.upload) call.mark("files");
    const timeoutMs = Math.min(resolveTimeout(input) ?? Infinity, input.ttl_seconds) * 1000;
    const { command: line, env } = input;
    const terminal = terminalOf(input);
    const command = {
      command: line,
      cwd: resolveCwd(input.cwd, directory ?? WORKSPACE),
      env,
      user,
      terminal,
      timeoutMs,
      memMib: shape.memMib,
      interleaved: input.interleaved,
    };
    outcome = await runCommand(asFound(machine), command, call);
  } finally {
    await core.machines.destroy(machine);
    call.mark("cleanup");
  }
  // After a command that had to be killed no spare is kept.
  if (outcome.timed_out || outcome.aborted) await core.machines.dropSpares();
  return {
    vm_id: machine.id,
    environment: input.environment,
    command: input.command,
    ...outcome,
    accelerator: machine.accelerator,
    cleanup: { deleted: true },
  };
};
