import assert from "node:assert/strict";
import { chmodSync, closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Machine } from "../../src/backend/backend.js";
import { commandLineOf, processesOf, until } from "../client/scratch.js";
import { checkpointed, checkpoints, isContinued } from "./checkpoint-scratch.js";
import { assertCounts, output, SnapshotScratch } from "./snapshot-scratch.js";

/** Longer than a checkpoint takes to begin. */
const SETTLED_MS = 1_000;
const TWO_CPUS = { vcpuCount: 2, memMib: 256 };

/** The process that a VM's QEMU is. */
function qemuOf(scratch: SnapshotScratch, { id }: Machine): number {
  return scratch.qemuOfVm(id);
}

function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
}

test("a clone that continues the checkpoint of its template: has a name, random numbers, a clock and a disk of its own", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const first = await scratch.startMachine();
  assert.equal(isContinued(scratch, first), false);
  await checkpointed(scratch);
  const [a, b] = [await scratch.startMachine(), await scratch.startMachine()];
  assert.deepEqual([isContinued(scratch, a), isContinued(scratch, b)], [true, true]);
  const facts = async (machine: Machine) => {
    const text = await output(
      machine,
      "hostname; cat /etc/machine-id; head -c 16 /dev/urandom | od -An -tx1; date +%s",
    );
    return text.split("\n");
  };
  const [ofA, ofB] = [await facts(a), await facts(b)];
  assert.equal(ofA[0], a.id);
  assert.equal(ofB[0], b.id);
  for (const index of [1, 2]) assert.notEqual(ofA[index], ofB[index]);
  assert.ok(Math.abs(Number(ofA[3]) - Date.now() / 1_000) < 30, ofA[3]);
  await output(a, "head -c 20000000 /dev/urandom >/var/tmp/file; sync; sha256sum /var/tmp/file >/var/tmp/sum");
  assert.equal(await output(b, "ls /var/tmp"), "");
  await output(a, "echo 3 >/proc/sys/vm/drop_caches; sha256sum -c /var/tmp/sum");
});

test("a QEMU that continues a checkpoint: is confined as one that was started, and its VM becomes a snapshot and forks", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const started = await scratch.startMachine(TWO_CPUS);
  await checkpointed(scratch);
  const continued = await scratch.startMachine(TWO_CPUS);
  assert.ok(isContinued(scratch, continued));
  const [mine, theirs] = [continued, started].map((machine) => statusOf(qemuOf(scratch, machine)));
  for (const field of ["Seccomp", "Seccomp_filters", "NoNewPrivs", "CapEff", "CapBnd", "SigIgn"])
    assert.equal(mine![field], theirs![field], field);
  assert.equal(await output(continued, "nproc"), "2");
  await output(
    continued,
    "mkdir -p /run/mine; (i=0; while :; do i=$((i+1)); echo $i >/run/mine/counter; sleep 0.02; done) >/dev/null 2>&1 </dev/null & sleep 0.2",
  );
  const snapshot = await scratch.snapshot(continued, { shape: TWO_CPUS });
  const fork = await scratch.from(snapshot);
  assert.equal(await output(fork, "hostname"), fork.id);
  await assertCounts(continued, "/run/mine/counter");
  await assertCounts(fork, "/run/mine/counter");
});

test("a checkpoint that cannot be continued: a VM starts a QEMU of its own, and another checkpoint is made, but no third one", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  await scratch.startMachine();
  const damage = async () => {
    const process = join(await checkpointed(scratch), "process");
    chmodSync(process, 0o644);
    const file = openSync(process, "r+");
    writeSync(file, "NOTPYRO!", 0);
    closeSync(file);
  };
  await damage();
  const starts = [await scratch.startMachine()];
  await checkpointed(scratch);
  starts.push(await scratch.startMachine());
  await damage();
  starts.push(await scratch.startMachine(), await scratch.startMachine());
  assert.deepEqual(
    starts.map((machine) => isContinued(scratch, machine)),
    [false, true, false, false],
  );
  assert.equal(await output(starts[3]!, "echo works"), "works");
  await sleep(SETTLED_MS);
  assert.deepEqual(checkpoints(scratch), [], "the next daemon makes another one");
});

test("a daemon that ends while a checkpoint is made: leaves no process and no half checkpoint", async () => {
  const scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const machine = await scratch.startMachine();
  const halves = () =>
    readdirSync(join(scratch.home, "templates"), { recursive: true, encoding: "utf8" }).filter((name) =>
      /\/tmp-[^/]*$/.test(name),
    );
  await until("a checkpoint is being made", () => halves().length > 0);
  await scratch.destroy(machine);
  await scratch.core.machines.closeAll();
  assert.deepEqual(
    [halves(), processesOf(scratch.home).filter((pid) => commandLineOf(pid)[0]?.includes("qemu"))],
    [[], []],
  );
  await scratch[Symbol.asyncDispose]();
});

test("VMs of one template: get other bytes from the random number device, each time, also when they continue a checkpoint", async () => {
  await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
  const started = await scratch.startMachine();
  await checkpointed(scratch);
  const machines = [started, await scratch.startMachine(), await scratch.startMachine()];
  const all: string[] = [];
  for (const machine of [...machines, ...machines])
    all.push(await output(machine, "head -c 64 /dev/hwrng | od -An -tx1"));
  assert.equal(new Set(all).size, 6, all.join("\n"));
});
