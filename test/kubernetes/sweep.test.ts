import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { parseContext, type KubernetesContext } from "../../src/client/contexts/context.js";
import { openCluster, type Cluster } from "../../src/client/kubernetes/cluster.js";
import { Pods } from "../../src/client/kubernetes/pods.js";
import { KIND_LABEL, labelsOf, POOL_LABEL } from "../../src/client/kubernetes/pod-spec.js";
import { sweep } from "../../src/client/kubernetes/sweep.js";
import { Near } from "./near.js";
import { makeWork } from "./task-daemon.js";

let near: Near;
let cluster: Cluster;
let pods: Pods;
before(async () => {
  near = await Near.open(makeWork);
  cluster = await openCluster({}, { kubeconfig: join(near.directory, "kubeconfig"), context: null });
  const context = parseContext("k", { url: "kubernetes:///pyro", image: "i" }) as KubernetesContext;
  pods = new Pods(cluster, context, "1");
});
after(async () => {
  cluster[Symbol.dispose]();
  await near[Symbol.asyncDispose]();
});
beforeEach(() => near.cluster.pods.clear());

const create = () => near.client.call("task.create", { environment: "debian:12" });

test("pods that have ended are swept, but not those of tasks that failed", async () => {
  const failed = await create();
  await create();
  const [first, second] = [...near.cluster.pods.values()];
  first!.status = { phase: "Failed", reason: "Evicted" };
  second!.status = { phase: "Succeeded" };
  await sweep(pods);
  assert.deepEqual([...near.cluster.pods.keys()], [`pyro-${failed.task_id.slice(5, 11)}`]);
  await sweep(pods, 2 * 86_400_000);
  assert.equal(near.cluster.pods.size, 0);
});

test("pods that have not started are swept when their client has given up, but not those of a pool", async () => {
  const add = (name: string, more: object) => {
    const labels = { ...labelsOf({ kind: "task", taskName: null }), ...more };
    near.cluster.add({ metadata: { name, labels } }, { phase: "Pending" });
  };
  add("pyro-task", {});
  add("pyro-run", { [KIND_LABEL]: "run" });
  add("pool-1", { [KIND_LABEL]: "ready", [POOL_LABEL]: "ready" });
  await sweep(pods);
  assert.equal(near.cluster.pods.size, 3);
  await sweep(pods, 3_700_000);
  assert.deepEqual([...near.cluster.pods.keys()], ["pool-1"]);
});
