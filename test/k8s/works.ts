import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { listPods, report, untilEnded, untilNoPods } from "./cluster.js";
import { Near, untilSwept, useNear } from "./near.js";

const MIB = 1_048_576;
let near: Near;
let task: string;
const exec = (...command: string[]) => near.client.call("task.exec", { task_id: task, command });
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

useNear((opened) => void (near = opened));

test("a user of the base's group: the check of the context finds nothing missing", async () => {
  const { status, stdout, stderr } = await near.pyro(["context", "check", "kube"]);
  assert.equal(status, 0, stdout + stderr);
});

test("a command in a pod of its own has its input, both outputs and its status, and its pod is removed", async () => {
  const started = performance.now();
  const words = ["run", "debian:12", "--", "sh", "-c", "cat; echo wrong >&2; uname -r; exit 7"];
  const { status, stdout, stderr } = await near.pyro(words, { input: "read\n" });
  report("one command in a pod of its own", `${Math.round(performance.now() - started)} ms`);
  assert.equal(status, 7, stderr);
  assert.match(stdout, /^read\n6\.1\./);
  assert.match(stderr, /wrong/);
  await untilNoPods();
});

test("a task: its pod is under the restricted profile and has no token; the command's status is its own", async () => {
  const started = performance.now();
  ({ task_id: task } = await near.client.call("task.create", { environment: "debian:12", name: "first" }));
  report("a task, created", `${Math.round(performance.now() - started)} ms`);
  const [pod] = await listPods();
  assert.equal(pod!["metadata"].name, `pyro-${task.slice(5, 11)}`);
  assert.equal(pod!["spec"].automountServiceAccountToken, false);
  const { exit_code, stdout, stderr } = await exec("sh", "-c", "echo out; echo err >&2; exit 3");
  assert.deepEqual([exit_code, stdout, stderr], [3, "out\n", "err\n"]);
});

test("20 commands: how long each takes", async () => {
  const times: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    const started = performance.now();
    assert.equal((await exec("true")).exit_code, 0);
    times.push(performance.now() - started);
  }
  report("exec of `true`, median of 20", `${Math.round(median(times))} ms`);
});

test("32 MiB into the workspace and back are the same bytes", async () => {
  const [source, back] = ["source", "back"].map((name) => join(near.directory, name)) as [string, string];
  for (const path of [source, back]) mkdirSync(path);
  const bytes = randomBytes(32 * MIB);
  writeFileSync(join(source, "blob"), bytes);
  let started = performance.now();
  const pushed = await near.pyro(["task", "sync", "push", task, source]);
  assert.equal(pushed.status, 0, pushed.stderr);
  report("push of 32 MiB", `${Math.round(performance.now() - started)} ms`);
  assert.match(
    (await exec("sha256sum", "blob")).stdout,
    new RegExp(`^${createHash("sha256").update(bytes).digest("hex")}`),
  );
  await exec("sh", "-c", "mv blob moved; head -c 33554432 /dev/urandom >made");
  started = performance.now();
  const pulled = await near.pyro(["task", "sync", "pull", task, back]);
  assert.equal(pulled.status, 0, pulled.stderr);
  report("pull of 64 MiB", `${Math.round(performance.now() - started)} ms`);
  assert.ok(readFileSync(join(back, "moved")).equals(bytes));
  const made = createHash("sha256")
    .update(readFileSync(join(back, "made")))
    .digest("hex");
  assert.match((await exec("sha256sum", "made")).stdout, new RegExp(`^${made}`));
});

test("a shell keeps its state and ends with its status", async () => {
  const shell = await near.pyro(["task", "exec", task, "--", "sh"], { input: "cd /tmp\npwd\nexit 5\n" });
  assert.deepEqual([shell.status, shell.stdout], [5, "/tmp\n"], shell.stderr);
});

test("the task is listed with its state by another client, which can use it", async () => {
  const other = await Near.open();
  try {
    const { tasks } = await other.client.call("task.list", {});
    assert.deepEqual(
      tasks.map(({ task_id, name, state }) => [task_id, name, state]),
      [[task, "first", "started"]],
    );
    assert.equal(
      (await other.client.call("task.exec", { task_id: "first", command: ["cat", "/etc/hostname"] })).exit_code,
      0,
    );
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test("a deleted task has no pod", async () => {
  await near.client.call("task.delete", { task_id: task });
  await untilNoPods();
  await assert.rejects(exec("true"), { code: "NOT_FOUND" });
});

test("a fork runs in the pod of its parent, with its processes", async () => {
  const roomy = await Near.open({
    container: { resources: { requests: { cpu: "50m", memory: "2Gi" }, limits: { memory: "4Gi" } } },
  });
  try {
    const parent = (await roomy.client.call("task.create", { environment: "debian:12" })).task_id;
    const run = async (task_id: string, script: string) =>
      (await roomy.client.call("task.exec", { task_id, command: ["sh", "-c", script] })).stdout;
    await run(parent, "echo kept >file; sleep 1000 >/dev/null 2>&1 & echo $! >pid");
    const started = performance.now();
    const { tasks } = await roomy.client.call("task.fork", { task_id: parent });
    report("a fork", `${Math.round(performance.now() - started)} ms`);
    const fork = tasks[0]!.task_id;
    assert.equal(await run(fork, "cat file; kill -0 $(cat pid) && echo alive"), "kept\nalive\n");
    await run(fork, "echo changed >file");
    assert.equal(await run(parent, "cat file"), "kept\n");
    assert.equal((await listPods()).length, 1);
    for (const task_id of [parent, fork]) await roomy.client.call("task.delete", { task_id });
  } finally {
    await roomy[Symbol.asyncDispose]();
  }
});

test("a task whose time is over is gone with its pod, although its client is gone too", async () => {
  const brief = await Near.open();
  await brief.client.call("task.create", { environment: "debian:12", ttl_seconds: 20 });
  await brief[Symbol.asyncDispose]();
  await untilEnded();
  await untilSwept(near);
});
