import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { callApi, control, listPods, makeVolume, NAMESPACE, readyNodes, report } from "./cluster.js";
import { Near, useNear } from "./near.js";

const VOLUME = "/var/lib/pyro-volume";
const hostname = (node: string) => ({ "kubernetes.io/hostname": node });
const create = { environment: "debian:12" };
let near: Near;
useNear((opened) => void (near = opened));

test("a node that is lost: its tasks are failed with the reason, others are untouched, and what was on a volume is there again", async () => {
  control("node", "2", "mkdir", "-p", VOLUME);
  await makeVolume({ name: "test", node: "n2", path: VOLUME, mode: "ReadWriteOnce" });
  const createOn = async (node: string) => {
    const there = await Near.open({ spec: { nodeSelector: hostname(node) } });
    try {
      return (await there.client.call("task.create", create)).task_id;
    } finally {
      await there[Symbol.asyncDispose]();
    }
  };
  const [kept, lost] = [await createOn("n1"), await createOn("n2")];
  const stored = await Near.open({ storage: "10Gi", storageClass: "local" });
  const { task_id: task } = await stored.client.call("task.create", { ...create, name: "stored" });
  const run = async (script: string) =>
    (await stored.client.call("task.exec", { task_id: task, command: ["sh", "-c", script] })).stdout;
  const source = join(stored.directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "pushed"), "pushed\n");
  assert.equal((await stored.pyro(["task", "sync", "push", task, source])).status, 0);
  await run("(i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.2; done) >/dev/null 2>&1 &");
  await stored.client.call("task.snapshot.create", { task_id: task, name: "before" });
  assert.equal(await run("echo written | tee file; sync"), "written\n");
  await near.client.call("task.exec", { task_id: kept, command: ["sh", "-c", "echo here >file"] });
  const stateOf = async (task_id: string) =>
    (await stored.client.call("task.list", {})).tasks.find((each) => each.task_id === task_id);

  control("kill-node", "2");
  const started = performance.now();
  try {
    const areFailed = async () => {
      const { tasks } = await stored.client.call("task.list", {});
      return [lost, task].every((id) => tasks.find(({ task_id }) => task_id === id)?.state === "failed");
    };
    await until("both tasks are failed", areFailed, 180);
    report("a lost node's tasks are failed after", `${Math.round((performance.now() - started) / 1000)} s`);
    for (const id of [lost, task]) assert.match((await stateOf(id))!.state_reason ?? "", /n2/);
    assert.equal((await near.client.call("task.exec", { task_id: kept, command: ["cat", "file"] })).stdout, "here\n");
    assert.equal((await stateOf(kept))!.state, "started");
    await assert.rejects(run("true"), { code: "FAILED_PRECONDITION", message: /Its volume is kept/ });
    await near.client.call("task.delete", { task_id: lost });
    assert.equal((await listPods()).length, 2);
  } finally {
    control("start-node", "2");
  }
  await until("the node is ready", async () => (await readyNodes()).length === 2, 300);

  // The kubelet removes the lost pod when it is back.
  let entries: readonly { stdout: string }[] = [];
  const reached = async () => {
    ({ entries } = await stored.client.call("task.logs", { task_id: task }));
    return true;
  };
  await until("the task is reached again", () => reached().catch(() => false), 300);
  report("and reached again after", `${Math.round((performance.now() - started) / 1000)} s`);
  assert.equal(entries.at(-1)!.stdout, "written\n");
  assert.equal((await stored.client.call("task.status", { task_id: task })).state, "stopped");
  const back = join(stored.directory, "back");
  mkdirSync(back);
  const pulled = await stored.pyro(["task", "sync", "pull", task, back]);
  assert.equal(pulled.status, 0, pulled.stderr);
  assert.equal(readFileSync(join(back, "file"), "utf8"), "written\n");
  const { content } = await stored.client.call("task.file.read", { task_id: task, path: "/workspace/pushed" });
  assert.equal(content, "pushed\n");
  await stored.client.call("task.reset", { task_id: task, to: "before" });
  assert.equal(
    await run(
      "cat pushed; ls file 2>/dev/null; a=$(cat /tmp/count); sleep 1; test $a -lt $(cat /tmp/count) && echo counts",
    ),
    "pushed\ncounts\n",
  );
  await stored.client.call("task.delete", { task_id: task });
  const { items } = await callApi("GET", `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`);
  assert.deepEqual(
    items.filter(({ metadata }: any) => metadata.deletionTimestamp === undefined),
    [],
  );
  await stored[Symbol.asyncDispose]();

  const again = await createOn("n2");
  for (const task_id of [kept, again]) await near.client.call("task.delete", { task_id });
});
