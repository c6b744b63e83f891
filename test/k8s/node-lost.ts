import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { control, listPods, readyNodes, report } from "./cluster.js";
import { Near, useNear } from "./near.js";

let near: Near;
useNear((opened) => (near = opened), 300);

test("a node that is lost: its task is failed with the reason, the others are untouched, and the node comes back", async () => {
  const create = async (node: string) => {
    const there = await Near.open({ spec: { nodeSelector: { "kubernetes.io/hostname": node } } });
    try {
      return (await there.client.call("task.create", { environment: "debian:12" })).task_id;
    } finally {
      await there[Symbol.asyncDispose]();
    }
  };
  const [kept, lost] = [await create("n1"), await create("n2")];
  const stateOf = async (task_id: string) =>
    (await near.client.call("task.list", {})).tasks.find((task) => task.task_id === task_id);
  await near.client.call("task.exec", { task_id: kept, command: ["sh", "-c", "echo here >file"] });
  control("kill-node", "2");
  const started = performance.now();
  try {
    await until("the task is failed", async () => (await stateOf(lost))?.state === "failed", 180);
    report("a lost node's task is failed after", `${Math.round((performance.now() - started) / 1000)} s`);
    assert.match((await stateOf(lost))!.state_reason ?? "", /n2/);
    assert.equal((await near.client.call("task.exec", { task_id: kept, command: ["cat", "file"] })).stdout, "here\n");
    assert.equal((await stateOf(kept))!.state, "started");
    await near.client.call("task.delete", { task_id: lost });
    assert.equal((await listPods()).length, 1);
  } finally {
    control("start-node", "2");
  }
  await until("the node is ready", async () => (await readyNodes()).length === 2, 300);
  const again = await create("n2");
  for (const task_id of [kept, again]) await near.client.call("task.delete", { task_id });
});
