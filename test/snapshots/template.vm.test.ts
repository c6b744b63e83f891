import assert from "node:assert/strict";
import { appendFileSync, chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { Snapshot } from "../../src/core/snapshots/snapshots.js";
import { output, SnapshotScratch } from "./snapshot-scratch.js";

const reasonOf = async (scratch: SnapshotScratch, snapshot: Snapshot) => {
  const problem = await scratch.core.machines.checkSnapshot(snapshot);
  if (problem) assert.equal(problem.code, "FAILED_PRECONDITION");
  return problem?.details["reason"] ?? null;
};

test("the template of a snapshot: survives a prune while no VM runs, and is removed when the snapshot is deleted", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const { environments, backends, snapshots } = scratch.core;
  const prune = () => backends.vms.prune((digest) => environments.isHeld(digest), false);
  const machine = await scratch.startMachine();
  await output(machine, "echo kept >/workspace/file");
  const snapshot = await scratch.snapshot(machine);
  await scratch.destroy(machine);
  assert.deepEqual((await prune()).removed, []);
  const again = await scratch.from(snapshot);
  assert.equal(await output(again, "cat /workspace/file"), "kept");
  await scratch.destroy(again);
  await snapshots.delete(snapshot.record.snapshot_id);
  assert.equal((await prune()).removed.length, 1);
});

test("a snapshot of another QEMU, other arguments, or a template that was made again: is refused with the reason, and the VM runs on", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const machine = await scratch.startMachine();
  const snapshot = await scratch.snapshot(machine);
  assert.equal(await reasonOf(scratch, snapshot), null);
  const changed = (field: string): Snapshot => ({
    ...snapshot,
    record: { ...snapshot.record, machine: { ...snapshot.record.machine, [field]: "another" } },
  });
  assert.equal(await reasonOf(scratch, changed("qemu")), "qemu_changed");
  assert.equal(await reasonOf(scratch, changed("arguments")), "arguments_changed");
  assert.equal(await reasonOf(scratch, changed("identity")), "template_gone");
  const [key] = readdirSync(join(scratch.home, "templates"));
  const stub = join(scratch.home, "templates", key!, "initramfs");
  chmodSync(stub, 0o644);
  appendFileSync(stub, "touched");
  assert.equal(await reasonOf(scratch, snapshot), "template_gone");
  // The next VM gets a template of its own, under the same key.
  await output(await scratch.startMachine(), "true");
  assert.deepEqual(readdirSync(join(scratch.home, "templates")), [key]);
  assert.equal(await reasonOf(scratch, snapshot), "template_gone");
  await assert.rejects(scratch.from(snapshot), { code: "FAILED_PRECONDITION" });
  await assert.rejects(scratch.snapshot(machine), { code: "FAILED_PRECONDITION" });
  assert.equal(await output(machine, "echo runs on"), "runs on");
});

test("a daemon of root without CAP_SYS_PTRACE: doctor names the next step", async () => {
  await using scratch = new SnapshotScratch();
  const problems = async (...prefix: string[]) => {
    const { stdout } = await scratch.pyroBehind(prefix, ["doctor", "--json"]);
    const { problems: all } = JSON.parse(stdout) as { problems: { message: string; command: string }[] };
    return all.filter(({ message }) => message.includes("snapshots")).map(({ command }) => command);
  };
  assert.deepEqual(await problems(), []);
  await scratch.pyro(["daemon", "stop"]);
  if (process.getuid?.() !== 0) return;
  const [command] = await problems("setpriv", "--bounding-set=-sys_ptrace");
  assert.match(command ?? "", /--cap-add SYS_PTRACE/);
});
