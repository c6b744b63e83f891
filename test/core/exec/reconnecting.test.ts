import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { parseInput } from "../../../src/contract/input.js";
import type { OperationEvent } from "../../../src/contract/operation.js";
import { operations } from "../../../src/contract/operations.js";
import { unattended } from "../../../src/core/call.js";
import { closeLogs, openLogs } from "../../../src/core/exec/logs.js";
import { Reconnecting } from "../../../src/core/exec/reconnecting.js";
import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const MIB = 1 << 20;
const LAST = 2_000_000;
/** What a client may not have taken of the output that the daemon has sent. */
const UNDERWAY_BYTES = MIB;

test("task exec: a client whose connection broke finds all output when it reconnects", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, tasks, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  let begin = () => {};
  const isFollowed = new Promise<void>((resolve) => (begin = resolve));
  const command = `read _; seq 1 ${LAST}`;
  const fields = { task_id: task.taskId, command, cwd: "/", timeout_seconds: 600 };
  const input = { ...parseInput(operations["task.exec"].input, fields), command };
  const typed = async function* () {
    await isFollowed;
    yield Buffer.from("\n");
  };
  const exec = await tasks.get(task.taskId).exec(input, unattended(new AbortController().signal), typed());
  const from = { stdout: 0, stderr: 0 };
  const sent: Buffer[] = [];

  const connection = new AbortController();
  const broken = unattended(connection.signal);
  const emit = async (event: OperationEvent) => {
    if (event.event === "stdout") sent.push(Buffer.from(event.data));
    from.stdout = Buffer.concat(sent).length - UNDERWAY_BYTES;
    if (from.stdout > 5 * MIB) connection.abort();
  };
  const following = exec.follow(from, { ...broken, emit }, null);
  begin();
  await following;

  const { stdout } = await exec.output();
  const brokenAt = stdout.totalBytes;
  let [totalBytes, same] = [-1, 0];
  await until("the command waits or has ended", () => {
    same = stdout.totalBytes === totalBytes ? same + 1 : 0;
    totalBytes = stdout.totalBytes;
    return same > 20 && totalBytes > brokenAt + MIB / 2;
  });
  const received = createHash("sha256").update(Buffer.concat(sent).subarray(0, from.stdout));
  let missing = 0;
  const take = async (event: OperationEvent) => {
    if (event.event === "stdout") received.update(event.data);
    if (event.event === "gap") missing += event.bytes;
  };
  await exec.follow(from, { ...unattended(new AbortController().signal), emit: take }, null);
  assert.equal(missing, 0);
  const expected = createHash("sha256");
  for (let number = 1; number <= LAST; number += 1) expected.update(`${number}\n`);
  assert.equal(received.digest("hex"), expected.digest("hex"));
});

test("reconnecting: a command that the next daemon finds after its client has come back is not held back", async (t) => {
  const logs = await openLogs(temporaryDirectory(t), true);
  const reconnecting = new Reconnecting();
  using _ = reconnecting.watch(logs, unattended(new AbortController().signal), () => true);
  reconnecting.resume(logs);
  for (let written = 0; written < 4; written += 1) await logs.stdout.append(Buffer.alloc(MIB));
  assert.equal(logs.stdout.totalBytes, 4 * MIB);
  await closeLogs(logs);
});
