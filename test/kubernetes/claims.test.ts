import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { chooseContext } from "../../src/client/contexts/contexts.js";
import { openCluster } from "../../src/client/kubernetes/cluster.js";
import { fieldsOf, listOf } from "../../src/client/kubernetes/pod-spec.js";
import { Pods } from "../../src/client/kubernetes/pods.js";
import { sweep } from "../../src/client/kubernetes/sweep.js";
import { PyroError } from "../../src/contract/errors.js";
import { taskOf } from "../task-of.js";
import { running, variableOf, type DoublePod } from "./api-double.js";
import type { Work } from "./fake-daemon.js";
import { Near } from "./near.js";

let near: Near;
/** The tasks on each volume: a daemon finds those of the one before. */
const volumes = new Map<string, ReturnType<typeof taskOf>[]>();

before(async () => {
  near = await Near.open(work, { storage: "20Gi", storageClass: "fast" });
});
after(() => near[Symbol.asyncDispose]());
beforeEach(() => {
  near.cluster.pods.clear();
  near.cluster.claims.clear();
  near.cluster.requests.length = 0;
});

function work(pod: DoublePod): Work {
  const digits = variableOf(pod, "PYRO_ID_PREFIX");
  const tasks = volumes.get(digits) ?? [];
  volumes.set(digits, tasks);
  const add = (input: Record<string, unknown>) => {
    const task_id = `task-${digits}${String(tasks.length).padStart(6, "0")}`;
    const task = taskOf({ task_id, name: (input["name"] as string | undefined) ?? null });
    tasks.push(task);
    return task;
  };
  return (operation, input) => {
    switch (operation) {
      case "task.create":
        if (input["environment"] === "broken") throw new PyroError("ENVIRONMENT_UNKNOWN", "No such environment.");
        return add(input);
      case "task.fork":
        return { tasks: [add(input)] };
      case "task.list":
        return { tasks };
      case "task.delete":
        tasks.splice(
          tasks.findIndex(({ task_id }) => task_id === input["task_id"]),
          1,
        );
        return { task_id: input["task_id"], deleted: true };
      default:
        return { operation, tasks: tasks.length };
    }
  };
}

function call<Result>(name: string, input: object): Promise<Result> {
  return near.client.call(name as never, input as never) as Promise<Result>;
}
const create = (fields: object = {}) =>
  call<{ task_id: string }>("task.create", { environment: "debian:12", mem_mib: 512, ...fields });
const logs = (task_id: string) => call<{ tasks: number }>("task.logs", { task_id });
const codeOf = (given: Promise<unknown>) =>
  given.then(
    () => "no error",
    (error: unknown) => PyroError.from(error).code,
  );
const podNameOf = (task_id: string) => `pyro-${task_id.slice(5, 11)}`;

/** Ends a pod's daemon, and leaves the pod as the cluster then shows it; null removes it. */
async function lose(task_id: string, change: ((pod: DoublePod) => void) | null): Promise<void> {
  const name = podNameOf(task_id);
  await near.endDaemon(name);
  if (change === null) near.cluster.pods.delete(name);
  else change(near.cluster.pods.get(name)!);
}
const fail = (pod: DoublePod) => void (pod.status = { phase: "Failed", reason: "Evicted", message: "no memory" });

test("a task has a claim of its pod's name, which its pod mounts as its home", async () => {
  const { task_id } = await create({ name: "web", ttl_seconds: 0 });
  const name = podNameOf(task_id);
  const claim = near.cluster.claims.get(name)!;
  assert.deepEqual(claim.spec, {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "20Gi" } },
    storageClassName: "fast",
  });
  assert.deepEqual([claim.metadata.labels["pyro.dev/name"], claim.metadata.labels["pyro.dev/kind"]], ["web", "task"]);
  assert.equal(claim.metadata.annotations["pyro.dev/expires"], undefined);
  const { spec } = near.cluster.pods.get(name)!;
  const home = listOf(spec["volumes"]).find((volume) => volume["name"] === "pyro-home");
  assert.deepEqual(home, { name: "pyro-home", persistentVolumeClaim: { claimName: name } });
  assert.equal(fieldsOf(spec["securityContext"])["fsGroupChangePolicy"], "OnRootMismatch");
  await call("task.delete", { task_id });
  assert.deepEqual([near.cluster.pods.size, near.cluster.claims.size], [0, 0]);
});

test("a run has no claim, and neither has a task that could not be created", async () => {
  await call("vm.run", { environment: "debian:12", command: "true" });
  assert.equal(await codeOf(create({ environment: "broken" })), "ENVIRONMENT_UNKNOWN");
  assert.deepEqual([near.cluster.pods.size, near.cluster.claims.size], [0, 0]);
});

test("a task whose pod has ended, or is gone, is listed as failed; the next command makes its pod again", async () => {
  for (const change of [fail, null]) {
    const { task_id } = await create({ name: "kept" });
    await lose(task_id, change);
    const { tasks } = await call<{ tasks: { task_id: string; state: string; state_reason: string }[] }>(
      "task.list",
      {},
    );
    assert.deepEqual(
      tasks.map((task) => [task.task_id, task.state]),
      [[task_id, "failed"]],
    );
    assert.match(tasks[0]!.state_reason, change === null ? /its volume is kept/ : /Evicted/);
    assert.equal((await call<{ state: string }>("task.status", { task_id })).state, "failed");
    assert.equal(await codeOf(create({ name: "kept" })), "ALREADY_EXISTS");
    assert.equal((await logs("kept")).tasks, 1);
    const { spec } = near.cluster.pods.get(podNameOf(task_id))!;
    assert.equal(fieldsOf(fieldsOf(listOf(spec["containers"])[0]!["resources"])["limits"])["memory"], "1152Mi");
    await call("task.delete", { task_id });
    assert.deepEqual([near.cluster.pods.size, near.cluster.claims.size], [0, 0]);
  }
});

test("a pod that may still run on a lost node is not made again", async () => {
  const { task_id } = await create();
  await lose(task_id, (pod) => void (pod.status = { ...running, conditions: [{ type: "Ready", status: "False" }] }));
  const error = await logs(task_id).catch((thrown: unknown) => PyroError.from(thrown));
  assert.ok(error instanceof PyroError);
  assert.equal(error.code, "FAILED_PRECONDITION");
  assert.match(`${error.message} ${error.hint}`, /its node n1 was lost.*volume is kept.*when the node is back/);
  near.cluster.pods.clear();
  assert.equal((await logs(task_id)).tasks, 1);
});

test("deleting a lost task removes its claim; with others on the volume, its daemon deletes it", async () => {
  const { task_id } = await create();
  await lose(task_id, null);
  assert.deepEqual(await call("task.delete", { task_id }), { task_id, deleted: true });
  assert.equal(near.cluster.claims.size, 0);
  assert.equal(await codeOf(call("task.delete", { task_id })), "NOT_FOUND");
  const parent = await create();
  const { tasks } = await call<{ tasks: { task_id: string }[] }>("task.fork", { task_id: parent.task_id });
  await lose(parent.task_id, null);
  await call("task.delete", { task_id: parent.task_id });
  assert.deepEqual([near.cluster.pods.size, near.cluster.claims.size], [1, 1]);
  assert.equal((await logs(tasks[0]!.task_id)).tasks, 1);
});

test("claims whose time is over are swept with the pod gone; those of failed pods stay until then", async () => {
  const { task_id } = await create({ ttl_seconds: 60 });
  const { task_id: endless } = await create({ ttl_seconds: 0 });
  for (const id of [task_id, endless]) await lose(id, fail);
  const context = chooseContext(join(near.directory, "h"), near.env);
  assert.ok(context?.kind === "kubernetes");
  using cluster = await openCluster({}, { kubeconfig: join(near.directory, "kubeconfig"), context: null });
  const pods = new Pods(cluster, context, "1");
  const day = 86_400_000;
  await sweep(pods, 2 * day);
  assert.deepEqual([near.cluster.pods.size, near.cluster.claims.size], [0, 2]);
  await sweep(pods, 8 * day);
  assert.deepEqual([...near.cluster.claims.keys()], [podNameOf(endless)]);
});

test("the claim of a task that was never created is swept, and not while its pod is there", async () => {
  const { task_id } = await create({ ttl_seconds: 0 });
  const { task_id: kept } = await create({ ttl_seconds: 0 });
  const name = podNameOf(task_id);
  near.cluster.claims.get(name)!.metadata.annotations = {};
  await lose(kept, null);
  using cluster = await openCluster({}, { kubeconfig: join(near.directory, "kubeconfig"), context: null });
  const context = chooseContext(join(near.directory, "h"), near.env);
  assert.ok(context?.kind === "kubernetes");
  const pods = new Pods(cluster, context, "1");
  const later = 3_700_000;
  await sweep(pods, later);
  assert.equal(near.cluster.claims.size, 2);
  await lose(task_id, null);
  await sweep(pods);
  assert.equal(near.cluster.claims.size, 2);
  await sweep(pods, later);
  assert.deepEqual([...near.cluster.claims.keys()], [podNameOf(kept)]);
});
