import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { until } from "../client/scratch.js";
import { random } from "../seed.js";
import { roundsOr, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
before(() => (scratch = new TaskScratch()));
after(() => scratch[Symbol.asyncDispose]());

/** A process with an open file, a socket that listens, a variable, and a file in memory. */
const PROCESS = `exec 2>/dev/null; cat >/tmp/live.py <<'END'
import os, socket, time
kept = open("/workspace/open", "w+")
listening = socket.socket()
listening.bind(("127.0.0.1", 7777))
listening.listen()
os.makedirs("/dev/shm", exist_ok=True)
open("/dev/shm/memory", "w").write("in memory")
for count in range(1, 1 << 30):
    kept.seek(0)
    kept.write("%020d" % count)
    kept.flush()
    print(count, flush=True)
    time.sleep(0.05)
END
exec python3 /tmp/live.py`;
const PROBE = `python3 -c 'import socket; socket.create_connection(("127.0.0.1", 7777), 5); print("listens")'; cat /dev/shm/memory`;
const IDENTITY = "hostname; cat /etc/machine-id; head -c 16 /dev/urandom | base64";

const say = async (task: string, script: string) => (await scratch.execHere(task, script, {}, 60)).stdout;
const countOf = async (task: string) => Number(await say(task, "cat /workspace/open"));
const isCounting = async (task: string, beyond: number) => (await countOf(task)) > beyond;
const snapshotFiles = () => readdirSync(join(scratch.home, "snapshots"));

test("task fork: processes, files, sockets and memory live on in the fork and in the original, with other identities", async () => {
  const task = await scratch.create();
  const { sequence } = await scratch.client.call("task.exec", { task_id: task, command: PROCESS, background: true });
  await until("the process counts", () => isCounting(task, 1));
  const { tasks: forks } = await scratch.client.call("task.fork", { task_id: task, count: 2 });
  const atFork = await countOf(task);
  for (const { task_id } of forks) {
    await until("the fork counts on", async () => isCounting(task_id, 2));
    assert.equal(await say(task_id, PROBE), "listens\nin memory");
    const [entry] = await scratch.entries(task_id);
    assert.deepEqual([entry?.sequence, entry?.state], [sequence, "running"]);
    assert.notEqual(entry?.stdout.split("\n")[0], "1", "the log of the fork begins at the fork");
  }
  await until("the original counts on", () => isCounting(task, atFork));
  assert.equal(await say(task, PROBE), "listens\nin memory");
  const all = [task, ...forks.map(({ task_id }) => task_id)];
  const identities = await Promise.all(all.map((each) => say(each, IDENTITY)));
  const lines = identities.flatMap((text) => text.trimEnd().split("\n"));
  assert.equal(new Set(lines).size, 9, "hostname, machine id and random bytes differ");
  for (const each of all) await scratch.delete(each);
  assert.deepEqual(snapshotFiles(), []);
});

/** The content of the log of a task's first command. */
function readLog(task: string): Buffer {
  const directory = join(scratch.taskPath(task), "execs", "1");
  const offsets = (existsSync(directory) ? readdirSync(directory) : [])
    .filter((name) => name.startsWith("stdout."))
    .map((name) => Number(name.slice("stdout.".length)))
    .sort((one, other) => one - other);
  return Buffer.concat(offsets.map((offset) => readFileSync(join(directory, `stdout.${offset}`))));
}

const numbers = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join(""));

test("task fork: a command with large output before and after the fork: all of it arrives, in the original and in the fork", async () => {
  const task = await scratch.create();
  const command = "seq 1 400000; until [ -e /tmp/go ]; do sleep 0.1; done; seq 400001 900000";
  await scratch.client.call("task.exec", { task_id: task, command, background: true });
  const [before, after] = [numbers(1, 400_000), numbers(400_001, 900_000)];
  await until("the first half has arrived", async () => readLog(task).length === before.length);
  const [fork] = (await scratch.client.call("task.fork", { task_id: task })).tasks;
  // The log of a fork begins at the fork.
  for (const [id, expected] of [
    [task, Buffer.concat([before, after])],
    [fork!.task_id, after],
  ] as const) {
    await say(id, "touch /tmp/go");
    await until("the command has ended", async () => (await scratch.entries(id))[0]?.state !== "running");
    const log = readLog(id);
    assert.ok(log.equals(expected), `${log.length} bytes instead of ${expected.length}`);
    await scratch.delete(id);
  }
});

/** Writes files with their digests for ever, each whole or not there. */
const WRITER = `n=0; while :; do n=$((n+1)); rm -rf new; mkdir new
head -c 400000 /dev/urandom >new/file; sha256sum <new/file >new/sum; mv new whole$n; sync; done`;
/** Reads all of them from the disk. */
const READER = `pkill -xf "sh -c n=0.*" ; sync; echo 3 >/proc/sys/vm/drop_caches
for each in whole*; do sha256sum <$each/file | cmp -s - $each/sum || echo $each differs; done
! dmesg | grep -i 'ext4-fs error' && ls -d whole* | wc -l`;

test("task fork of a task that writes to its disk all the time: the files of the fork are whole", async () => {
  const task = await scratch.create();
  await scratch.client.call("task.exec", { task_id: task, command: WRITER, background: true });
  for (let written = 0; written < 15;) {
    await until("more is written", async () => Number(await say(task, "ls -d whole* | wc -l")) > written + 5);
    const [fork] = (await scratch.client.call("task.fork", { task_id: task })).tasks;
    const read = await say(fork!.task_id, READER);
    assert.match(read, /^\d+\n$/);
    assert.ok(Number(read) > written);
    written = Number(read);
    await scratch.delete(fork!.task_id);
  }
  await scratch.delete(task);
});

test("a daemon killed during fork, stop, start, reset and try: the task keeps acknowledged results, and nothing is left over", async () => {
  const task = await scratch.create();
  await scratch.execHere(task, "echo 0 >kept");
  const { snapshot_id: base } = await scratch.client.call("task.snapshot.create", { task_id: task });
  const changes = {
    fork: () => scratch.client.call("task.fork", { task_id: task }),
    stop: () => scratch.client.call("task.stop", { task_id: task }),
    start: () => scratch.client.call("task.start", { task_id: task }),
    reset: () => scratch.client.call("task.reset", { task_id: task, to: base, force: true }),
    try: () => scratch.client.call("task.try", { task_id: task, variants: ["true"], timeout_seconds: 30 }),
  };
  const rounds = roundsOr(1);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, change] of Object.entries(changes)) {
      await scratch.execHere(task, `echo ${name}${round} >kept`);
      const changing = change().catch(() => null);
      await sleep(random() * 700);
      await scratch.killDaemon();
      await changing;
      const kept = (await say(task, "cat kept")).trim();
      // The reset may have succeeded.
      assert.ok(kept === `${name}${round}` || (name === "reset" && kept === "0"), `${name}: ${kept}`);
      const { tasks } = await scratch.client.call("task.list", {});
      for (const { task_id, forked_from } of tasks) if (forked_from !== null) await scratch.delete(task_id);
    }
  }
  assert.deepEqual(snapshotFiles(), [base]);
  assert.deepEqual(scratch.taskIds(), [task]);
  await scratch.delete(task);
  assert.deepEqual(snapshotFiles(), []);
});
