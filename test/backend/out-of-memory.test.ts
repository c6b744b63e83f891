import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { VmProcess, type VmProcessSpec } from "../../src/backend/qemu/vm-process.js";
import { ControlGroup, type GroupLimits } from "../../src/host/control-groups.js";
import { keeperPath } from "./keeper-path.js";

const NOTHING = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n";
const limits: GroupLimits = { memoryMib: 1536, processes: 16, cpuWeight: 100, endsWhole: true };

/** The reason for the end of a VM whose first program kills itself, in a control group that counted these events. */
async function endOfVm(directory: string, events: string): Promise<string> {
  writeFileSync(join(directory, "memory.events"), events);
  writeFileSync(join(directory, "memory.max"), `${1536 * 1_048_576}\n`);
  const group = new ControlGroup(directory);
  const jailer = { kind: "bubblewrap", path: "bwrap", limitsTmp: true };
  const toolchain = { prlimit: "prlimit", jailer, qemu: "qemu", system: [], dropTo: null };
  const vm = await VmProcess.start({
    toolchain: toolchain as unknown as VmProcessSpec["toolchain"],
    user: null,
    accelerator: "tcg",
    qemuArgs: [],
    mounts: [],
    runDirectory: join(directory, "run"),
    gate: null,
    maxFileMib: 1,
    memMib: 256,
    preload: null,
    stateFd: null,
    group: { groups: { create: () => group, command: () => ["/bin/sh", "-c", "kill -9 $$"] }, limits },
    keeper: keeperPath,
  });
  return vm.ended;
}

test("a VM that the kernel killed for want of memory: the reason says whose limit it was, and what to do", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "poom-"));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(await endOfVm(directory, NOTHING), "killed");
  assert.equal(await endOfVm(directory, "low 0\n"), "killed");
  const ownLimit = await endOfVm(directory, "max 7\noom 1\noom_kill 9\noom_group_kill 1\n");
  assert.match(ownLimit, /more than the 1536 MiB of host memory that pyro allows it; give it more with --mem-mib/);
  const around = await endOfVm(directory, NOTHING.replace("oom_kill 0", "oom_kill 1"));
  assert.match(around, /the host, or the container around pyro, was out of memory; run fewer VMs at once/);
});
