import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import type { Machine, MachineHandle } from "../../src/backend/backend.js";
import { PyroError } from "../../src/contract/errors.js";
import { Snapshots } from "../../src/core/snapshots/snapshots.js";
import { readChildren } from "../../src/host/process.js";
import { endOf, kill, until } from "../client/scratch.js";
import { assertCounts, follow, output, SnapshotScratch, speak } from "./snapshot-scratch.js";

const dyingDaemon = fileURLToPath(new URL("daemon-process.js", import.meta.url));

let scratch: SnapshotScratch;
before(async () => {
  scratch = await new SnapshotScratch().open();
});
after(() => scratch[Symbol.asyncDispose]());

/** The entries of the store that are not snapshots: half-made ones, and those that are being removed. */
function halfMade(): string[] {
  const whole = scratch.core.snapshots.list().map(({ record }) => record.snapshot_id);
  return readdirSync(join(scratch.home, "snapshots")).filter((name) => !whole.includes(name));
}

/** State that must survive: a counter, an open file without a name, a listener on loopback, the variable of a REPL, a file on tmpfs. */
const SETUP = `
mkdir -p /tmpfs && mount -t tmpfs none /tmpfs && head -c 3000000 /dev/urandom >/tmpfs/file && sha256sum /tmpfs/file >/tmpfs/sum
(i=0; while :; do i=$((i+1)); echo $i >/tmpfs/new; mv /tmpfs/new /tmpfs/count; sleep 0.02; done) >/dev/null 2>&1 &
mkfifo /tmpfs/in; (exec python3 -iqu >/tmpfs/said 2>&1 </tmpfs/in) & sleep infinity >/tmpfs/in 2>/dev/null &
echo 'answer = 6 * 7' >/tmpfs/in
cat >/tmpfs/server.py <<END
import socket
kept = open("/workspace/unlinked", "w+")
kept.write("kept open")
kept.flush()
import os
os.unlink("/workspace/unlinked")
listener = socket.create_server(("127.0.0.1", 4000))
open("/tmpfs/listens", "w").close()
while True:
    peer, _ = listener.accept()
    kept.seek(0)
    peer.sendall(kept.read().encode())
    peer.close()
END
python3 /tmpfs/server.py >/dev/null 2>&1 &
until [ -e /tmpfs/listens ] && [ -e /tmpfs/count ]; do sleep 0.05; done
`;
const ASK_SERVER = `python3 -c 'import socket; print(socket.create_connection(("127.0.0.1", 4000)).recv(100).decode())'`;
const ASK_REPL = `echo 'print("it is", answer)' >/tmpfs/in; until grep -q "it is" /tmpfs/said; do sleep 0.05; done; cat /tmpfs/said`;

async function assertLivesOn(machine: Machine): Promise<void> {
  await output(machine, "sha256sum -c /tmpfs/sum");
  await assertCounts(machine, "/tmpfs/count");
  assert.equal(await output(machine, ASK_SERVER), "kept open");
  assert.match(await output(machine, ASK_REPL), /it is 42/);
}

test("a fork of a running VM: the processes of both keep running, each VM with its own identity", async () => {
  const parent = await scratch.startMachine();
  await output(parent, SETUP);
  const snapshot = await scratch.snapshot(parent);
  const { memory_bytes: memoryBytes, disk_bytes: diskBytes, pause_ms: pauseMs } = snapshot.record;
  assert.ok(memoryBytes > 3_000_000 && memoryBytes < 200_000_000, `${memoryBytes}`);
  assert.ok(diskBytes > 0 && pauseMs > 0);
  const forks = await Promise.all([scratch.from(snapshot), scratch.from(snapshot)]);
  for (const machine of [parent, ...forks]) await assertLivesOn(machine);
  const identities = await Promise.all(
    [parent, ...forks].map((machine) =>
      output(machine, "hostname; cat /etc/machine-id; head -c 16 /dev/urandom | sha256sum; date +%s"),
    ),
  );
  const fields = identities.map((text) => text.split("\n"));
  for (const field of [0, 1, 2]) assert.equal(new Set(fields.map((each) => each[field])).size, 3, `field ${field}`);
  assert.deepEqual(
    fields.map(([hostname]) => hostname),
    [parent, ...forks].map(({ id }) => id),
  );
  for (const [, , , seconds] of fields) assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
  // A file that one VM writes does not appear in the others.
  await output(forks[0]!, "echo fork >/workspace/mine; echo fork >/tmpfs/mine");
  await output(parent, "[ ! -e /workspace/mine ] && [ ! -e /tmpfs/mine ]");
  await output(forks[1]!, "[ ! -e /workspace/mine ] && [ ! -e /tmpfs/mine ]");
  // A fork becomes a snapshot like any VM, and no longer needs its parents.
  const grandchild = await scratch.snapshot(forks[0]!);
  await scratch.core.snapshots.delete(snapshot.record.snapshot_id);
  await Promise.all([parent, ...forks].map((machine) => scratch.destroy(machine)));
  const last = await scratch.from(grandchild);
  await assertLivesOn(last);
  assert.equal(await output(last, "cat /workspace/mine /tmpfs/mine"), "fork\nfork");
  await scratch.destroy(last);
});

test("a command that runs while a snapshot is made: its output continues in both VMs, without a gap", async () => {
  const parent = await scratch.startMachine();
  const spoken = await speak(parent, "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; sleep 1000");
  await until("it speaks", () => spoken.text.length > 500);
  let held = 0;
  const snapshot = await scratch.snapshot(parent, { onPaused: () => void (held = spoken.text.length) });
  const fork = await scratch.from(snapshot);
  assert.deepEqual(fork.channel.hello.jobs, [spoken.exec.job]);
  const before = spoken.text.slice(0, held);
  const forked = await follow(fork, spoken.exec.job, held);
  const whole = Array.from({ length: 3000 }, (_, index) => `line ${index + 1}\n`).join("");
  await until("the fork has said all", () => before + forked.text === whole);
  await until("the parent has said all", () => spoken.text === whole);
  await forked.exec.end("TERM");
  assert.equal((await forked.exec.finished).signal, "TERM");
  // The parent's command still runs.
  assert.equal(await output(parent, "pgrep -cx sleep"), "1");
  assert.equal(await output(fork, "pgrep -cx sleep || true"), "0");
  await Promise.all([scratch.destroy(parent), scratch.destroy(fork)]);
});

test("several processors and a memory beyond 3 GiB: a fork continues", async () => {
  const shape = { vcpuCount: 2, memMib: 3_584 };
  const parent = await scratch.startMachine(shape);
  await output(parent, SETUP);
  const snapshot = await scratch.snapshot(parent, { shape });
  const fork = await scratch.from(snapshot);
  await assertLivesOn(fork);
  assert.equal(await output(fork, "nproc"), "2");
  await Promise.all([scratch.destroy(parent), scratch.destroy(fork)]);
});

test("a snapshot that does not resume: the VM stays paused, and continues in the VM that starts from it", async () => {
  const parent = await scratch.startMachine();
  await output(parent, SETUP);
  const snapshot = await scratch.snapshot(parent, { resumes: false });
  const { id } = parent;
  await scratch.destroy(parent);
  assert.ok(!existsSync(join(scratch.home, "vms", id)));
  const again = await scratch.from(snapshot, id);
  await assertLivesOn(again);
  assert.equal(await output(again, "hostname"), id);
  await scratch.destroy(again);
});

test("a failing or cancelled snapshot: the VM runs on, and nothing is left", async () => {
  const parent = await scratch.startMachine();
  await output(parent, SETUP);
  const fails = scratch.snapshot(parent, {
    resumes: false,
    onPaused: () => {
      throw new PyroError("RESOURCE_EXHAUSTED", "of the test");
    },
  });
  await assert.rejects(fails, { code: "RESOURCE_EXHAUSTED" });
  await assertLivesOn(parent);
  // The same when core's part fails, after the VM was left paused.
  const fill = async () => {
    throw new PyroError("DISK_FULL", "of the test");
  };
  await assert.rejects(scratch.snapshot(parent, { resumes: false, fill }), { code: "DISK_FULL" });
  await assertLivesOn(parent);
  const cancel = new AbortController();
  const cancelled = scratch.snapshot(parent, {
    signal: cancel.signal,
    onPaused: () => cancel.abort(new PyroError("ABORTED", "of the test")),
  });
  await assert.rejects(cancelled, { code: "ABORTED" });
  await assertLivesOn(parent);
  assert.deepEqual(halfMade(), []);
  // They do not disturb the next one.
  const fork = await scratch.from(await scratch.snapshot(parent));
  await assertLivesOn(fork);
  await Promise.all([scratch.destroy(parent), scratch.destroy(fork)]);
});

test("a QEMU that is killed while a snapshot is made: VM_DIED, and nothing is left", async () => {
  const parent = await scratch.startMachine();
  const qemu = scratch.qemuOfVm(parent.id);
  const dies = scratch.snapshot(parent, { onPaused: () => void process.kill(qemu, "SIGKILL") });
  // The memory may have been copied already; then the kill is found when the VM should continue.
  await assert.rejects(dies, { code: "VM_DIED" });
  await scratch.destroy(parent);
  assert.deepEqual(halfMade(), []);
});

test("a daemon that is killed while a VM is paused: the next one continues the VM, and can make a snapshot of it", async () => {
  // Another daemon removes snapshots of tasks that it does not know.
  for (const { record } of scratch.core.snapshots.list()) await scratch.core.snapshots.delete(record.snapshot_id);
  const daemon = spawn(process.execPath, [dyingDaemon], { env: { ...process.env, ...scratch.env } });
  const { stdout, stderr } = await endOf(daemon);
  assert.equal(daemon.signalCode, "SIGKILL", stderr);
  const lost = JSON.parse(stdout) as { id: string; handle: MachineHandle; environmentDigest: string };
  const found = await scratch.core.machines.adopt({ ...lost, backend: "qemu" });
  assert.ok(found);
  const parent = await found.ready;
  assert.equal(halfMade().length, 1);
  await Snapshots.open({ ...scratch.core, homePath: scratch.home });
  assert.deepEqual(halfMade(), []);
  await output(parent, SETUP);
  const fork = await scratch.from(await scratch.snapshot(parent));
  await assertLivesOn(fork);
  await scratch.destroy(fork);
  await scratch.destroy(parent);
});

test("a helper that is killed while the VM is paused: the VM runs on, and no half snapshot is left", async () => {
  const parent = await scratch.startMachine();
  await output(parent, SETUP);
  const helpers = () => readChildren(process.pid).filter((pid) => readChildren(pid).length === 0);
  let failures = 0;
  // A helper may have ended before it is killed.
  for (let round = 0; round < 5 || (failures === 0 && round < 50); round += 1) {
    const running = new Set(helpers());
    const made = scratch.snapshot(parent, {
      onPaused: () =>
        helpers()
          .filter((pid) => !running.has(pid))
          .forEach((pid) => kill(pid)),
    });
    failures += await made.then(
      () => 0,
      () => 1,
    );
    await assertLivesOn(parent);
  }
  assert.ok(failures > 0, "no kill came in time");
  assert.deepEqual(halfMade(), []);
  await scratch.destroy(parent);
});
