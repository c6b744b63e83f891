import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

/** `scripts/run-tests.sh` installs it. */
const PRIVATE = fileURLToPath(new URL("../../../.test-home/toolchain/current", import.meta.url));

const create = { environment: "debian:12", mem_mib: 256 };

function isSame(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b)];
  return one.dev === other.dev && one.ino === other.ino;
}

/** True when a VM's QEMU is the private one. A QEMU that continues a checkpoint has its program mapped, and began as another one. */
function isPrivate(scratch: VmScratch, taskId: string): boolean {
  const pid = scratch.qemuOfVm(taskId.replace("task-", "vm-"));
  const { ino } = statSync(join(PRIVATE, "usr/bin/qemu-system-x86_64"));
  const mapped = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  return mapped.some((line) => line.endsWith("/qemu-system-x86_64") && line.split(/ +/)[4] === String(ino));
}

async function execIn(scratch: VmScratch, task_id: string, command: string): Promise<string> {
  const { exit_code, stdout } = await scratch.client.call("task.exec", { task_id, command });
  assert.equal(exit_code, 0);
  return stdout;
}

for (const [from, to] of [
  ["host", PRIVATE],
  [PRIVATE, "host"],
] as const) {
  const name = (choice: string) => (choice === "host" ? "the host's QEMU" : "the private one");
  test(`a task on ${name(from)}: keeps running under a daemon that starts VMs on ${name(to)}`, async () => {
    await using scratch = new VmScratch({ env: { PYRO_TOOLCHAIN: from } });
    const { client } = scratch;
    const { task_id } = await client.call("task.create", create);
    await execIn(scratch, task_id, "echo kept >/tmp/note; sleep 3600 >/dev/null 2>&1 &");
    await client.call("daemon.stop", {});

    scratch.env["PYRO_TOOLCHAIN"] = to;
    await scratch.pyro(["daemon", "start"]);
    assert.equal((await client.call("task.status", { task_id })).state, "started");
    assert.equal(await execIn(scratch, task_id, "cat /tmp/note; pgrep -c sleep"), "kept\n1\n");
    const other = await client.call("task.create", create);
    assert.equal(await execIn(scratch, other.task_id, "echo new"), "new\n");
    assert.deepEqual(
      [isPrivate(scratch, task_id), isPrivate(scratch, other.task_id)],
      [from !== "host", to !== "host"],
    );
    for (const id of [task_id, other.task_id]) await client.call("task.delete", { task_id: id });
  });
}

test("a toolchain removed while a task uses it: the task keeps running, and a later prune removes the toolchain", async () => {
  await using scratch = new VmScratch({ env: { PYRO_TOOLCHAIN: "" } });
  const toolchains = join(scratch.home, "toolchain");
  mkdirSync(toolchains);
  execFileSync("cp", ["-a", realpathSync(PRIVATE), toolchains]);
  symlinkSync(basename(realpathSync(PRIVATE)), join(toolchains, "current"));
  const { client } = scratch;
  const { task_id } = await client.call("task.create", create);
  const { installed } = await client.call("toolchain.status", {});
  assert.deepEqual((await client.call("toolchain.remove", {})).kept, [installed!.id]);
  assert.equal((await client.call("toolchain.status", {})).qemu_source, "host");
  assert.equal(await execIn(scratch, task_id, "git --version >/dev/null; echo works"), "works\n");
  const pruned = () => client.call("env.prune", { dry_run: true });
  const isRemovable = async () =>
    (await pruned()).removed.some(({ kind, name }) => kind === "toolchain" && name === installed!.id);
  assert.ok((await pruned()).kept.some((entry) => entry.name === installed!.id && entry.reason === "in use"));
  await client.call("task.delete", { task_id });
  // The checkpoint that is made after a template's first VM needs it, too.
  await until("nothing uses the toolchain", isRemovable);
});

test("the jail of a private QEMU: shows nothing of the host's /usr", async () => {
  await using scratch = new VmScratch({ env: { PYRO_TOOLCHAIN: PRIVATE } });
  const { task_id } = await scratch.client.call("task.create", create);
  const pid = scratch.qemuOfVm(task_id.replace("task-", "vm-"));
  assert.ok(isSame(`/proc/${pid}/root/usr`, join(PRIVATE, "usr")));
  assert.equal(readlinkSync(`/proc/${pid}/root/lib`), "usr/lib");
});
