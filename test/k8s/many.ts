import assert from "node:assert/strict";
import { test } from "node:test";

import { listPods, report } from "./cluster.js";
import { type Near, useNear } from "./near.js";

const COUNT = 20;
let near: Near;
useNear((opened) => void (near = opened));

test(`${COUNT} tasks at once run on both nodes, and all are removed`, async () => {
  const started = performance.now();
  const created = await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      near.client.call("task.create", { environment: "debian:12", name: `many-${i}` }),
    ),
  );
  report(`${COUNT} tasks at once, all ready`, `${((performance.now() - started) / 1000).toFixed(1)} s`);
  const places = (await listPods()).map(({ spec }) => spec.nodeName);
  assert.deepEqual([places.length, new Set(places).size], [COUNT, 2]);
  report("their nodes", ["n1", "n2"].map((node) => places.filter((place) => place === node).length).join(" + "));
  const outputs = await Promise.all(
    created.map(({ task_id }) => near.client.call("task.exec", { task_id, command: ["hostname"] })),
  );
  assert.deepEqual(
    outputs.map(({ exit_code }) => exit_code),
    Array(COUNT).fill(0),
  );
  assert.equal(new Set(outputs.map(({ stdout }) => stdout)).size, COUNT);
  const listing = performance.now();
  assert.equal((await near.client.call("task.list", {})).tasks.length, COUNT);
  report(`task list with ${COUNT} pods`, `${Math.round(performance.now() - listing)} ms`);
  await Promise.all(created.map(({ task_id }) => near.client.call("task.delete", { task_id })));
});
