import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { fieldsOf, type Fields } from "../../src/client/kubernetes/pod-spec.js";
import { isFit } from "../../src/client/kubernetes/pool.js";
import { running } from "./api-double.js";
import { Near } from "./near.js";

const IMAGE = "registry.example/pyro:1";
let near: Near;
before(async () => {
  near = await Near.open(() => () => ({ vm_id: "vm-0123456789ab", exit_code: 0 }), { pool: "ready" });
});
after(() => near[Symbol.asyncDispose]());
beforeEach(() => {
  near.cluster.pods.clear();
  near.cluster.requests.length = 0;
});

function readyPod(name: string, limits: Fields = { memory: "2Gi" }, image = IMAGE) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: { "app.kubernetes.io/managed-by": "pyro", "pyro.dev/pool": "ready", "pyro.dev/kind": "ready" },
    },
    spec: { nodeName: "n1", containers: [{ name: "pyro", image, resources: { limits } }] },
  };
}

const run = (fields: object = {}) =>
  near.client.call("vm.run", { environment: "debian:12", command: "true", ...fields });
const made = () => near.cluster.requests.filter((request) => request === "POST pods").length;

test("a run takes a ready pod out of the pool, limits its life, and removes it", async () => {
  near.cluster.add(readyPod("pool-1"));
  const patched: Fields[] = [];
  near.cluster.onPatch = ({ metadata, spec }) => void patched.push(structuredClone({ metadata, spec }));
  assert.equal((await run({ timeout_seconds: 60 })).exit_code, 0);
  near.cluster.onPatch = () => {};
  assert.deepEqual([made(), near.cluster.pods.size, patched.length], [0, 0, 1]);
  const { metadata, spec } = patched[0]!;
  assert.deepEqual(fieldsOf(fieldsOf(metadata)["labels"]), {
    "app.kubernetes.io/managed-by": "pyro",
    "pyro.dev/kind": "run",
  });
  const seconds = Number(fieldsOf(spec)["activeDeadlineSeconds"]);
  assert.ok(seconds >= 960 && seconds < 1_100, String(seconds));
});

test("runs at the same time take different pods, and make their own when the pool is empty", async () => {
  for (const name of ["pool-2", "pool-3"]) near.cluster.add(readyPod(name));
  const taken: string[] = [];
  near.cluster.onPatch = ({ metadata }) => void taken.push(metadata.name);
  await Promise.all([run(), run(), run()]);
  near.cluster.onPatch = () => {};
  assert.deepEqual([taken.toSorted(), made()], [["pool-2", "pool-3"], 1]);
  assert.equal(near.cluster.pods.size, 0);
});

test("a task, and a run without a fitting pod, have pods of their own", async () => {
  near.cluster.add(readyPod("pool-4", { memory: "1Gi" }));
  await run();
  await near.client.call("vm.create", { environment: "debian:12", mem_mib: 256 });
  assert.equal(made(), 2);
  assert.ok(near.cluster.pods.has("pool-4"));
});

test("a pod of the pool fits a task if it runs, has the task's image, and has room for the VM", () => {
  const wish = { vcpuCount: 1, memMib: 1_024, diskMib: 10_240, deadlineSeconds: 60 };
  const pod = (limits: Fields, image = IMAGE, status: Fields = running) =>
    ({ ...readyPod("p", limits, image), status }) as never;
  const enough = { cpu: "1500m", memory: "1664Mi", "ephemeral-storage": "12Gi" };
  assert.equal(isFit(pod(enough), IMAGE, wish), true);
  assert.equal(isFit(pod({}), IMAGE, wish), true);
  for (const less of [{ cpu: "500m" }, { memory: "1663Mi" }, { "ephemeral-storage": "10Gi" }])
    assert.equal(isFit(pod({ ...enough, ...less }), IMAGE, wish), false, JSON.stringify(less));
  assert.equal(isFit(pod(enough, "registry.example/pyro:2"), IMAGE, wish), false);
  assert.equal(isFit(pod(enough, IMAGE, { phase: "Pending" }), IMAGE, wish), false);
  const starting = { ...running, conditions: [{ type: "Ready", status: "False" }] };
  assert.equal(isFit(pod(enough, IMAGE, starting), IMAGE, wish), false);
});
