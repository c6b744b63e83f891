import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import type { OperationEvent } from "../../src/contract/operation.js";
import { PyroError } from "../../src/contract/errors.js";
import { status } from "./api-double.js";
import { Near } from "./near.js";
import { deletedBefore, hooks, makeWork } from "./task-daemon.js";

let near: Near;
before(async () => {
  near = await Near.open(makeWork);
});
after(() => near[Symbol.asyncDispose]());
beforeEach(() => {
  near.cluster.recorded.clear();
  near.cluster.pods.clear();
  hooks.onDelete = () => {};
});

const create = (fields: object = {}) => near.client.call("task.create", { environment: "debian:12", ...fields });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "no error",
    (error: unknown) => PyroError.from(error).code,
  );

test("a list removes the pod of a task that has expired", async () => {
  const [kept] = [await create(), await create({ environment: "brief" })];
  const { tasks } = await near.client.call("task.list", {});
  assert.deepEqual(
    tasks.map(({ task_id }) => task_id),
    [kept.task_id],
  );
  assert.deepEqual([...near.cluster.pods.keys()], [`pyro-${kept.task_id.slice(5, 11)}`]);
});

test("a list removes an old pod without tasks, and leaves a young one whose task is being created", async () => {
  const [old, young] = [await create({ environment: "brief" }), await create({ environment: "brief" })];
  for (const pod of near.cluster.pods.values()) pod.metadata.annotations = {};
  const pod = near.cluster.pods.get(`pyro-${old.task_id.slice(5, 11)}`)!;
  Object.assign(pod.metadata, { creationTimestamp: new Date(Date.now() - 2 * 3_600_000).toISOString() });
  assert.deepEqual((await near.client.call("task.list", {})).tasks, []);
  assert.deepEqual([...near.cluster.pods.keys()], [`pyro-${young.task_id.slice(5, 11)}`]);
});

test("a pod is removed with its last task, and with the answer of a run", async () => {
  const { task_id } = await create();
  const fork = (await near.client.call("task.fork", { task_id })).tasks[0]!;
  await near.client.call("task.delete", { task_id });
  assert.equal(near.cluster.pods.size, 1);
  await near.client.call("task.delete", { task_id: fork.task_id });
  assert.equal(near.cluster.pods.size, 0);
  assert.equal(await codeOf(near.client.call("task.logs", { task_id })), "NOT_FOUND");
  const events: OperationEvent[] = [];
  const ran = await near.client.call(
    "vm.run",
    { environment: "debian:12", command: "x" },
    { onEvent: (event) => void events.push(event) },
  );
  assert.equal(ran.exit_code, 3);
  assert.deepEqual(
    events.map(({ event }) => event),
    ["progress", "stdout"],
  );
  assert.equal(near.cluster.pods.size, 0);
  assert.ok("operation" in (await near.client.call("env.list", {})));
  assert.equal(near.cluster.pods.size, 0);
});

test("a deletion whose answer was lost is a deletion when it is asked again", async () => {
  const { task_id } = await create();
  deletedBefore.add(task_id);
  assert.deepEqual(await near.client.call("task.delete", { task_id }), { task_id, deleted: true });
  assert.equal(near.cluster.pods.size, 0);
  assert.equal(await codeOf(near.client.call("task.delete", { task_id })), "NOT_FOUND");
});

test("a deleted task stays deleted when its daemon cannot be asked for the pod's other tasks", async () => {
  const alone = await create({ name: "alone" });
  const parent = await create();
  const { tasks } = await near.client.call("task.fork", { task_id: parent.task_id });
  const unreachable = status(500, "InternalError", "error dialing backend: dial tcp 192.0.2.1:10250: i/o timeout");
  hooks.onDelete = () => void near.cluster.recorded.set("GET pods/*/exec", unreachable);
  for (const { task_id } of [alone, parent]) {
    near.cluster.recorded.clear();
    assert.deepEqual(await near.client.call("task.delete", { task_id }), { task_id, deleted: true });
  }
  hooks.onDelete = () => {};
  assert.equal(await codeOf(near.client.call("task.logs", { task_id: "alone" })), "NOT_FOUND");
  const listed = await near.client.call("task.list", {});
  assert.deepEqual(
    listed.tasks.map(({ task_id }) => task_id),
    tasks.map(({ task_id }) => task_id),
  );
  // The pod with a fork is kept; the other one's daemon ends as idle, since no list asks it again.
  near.cluster.recorded.clear();
  assert.equal((await near.client.call("task.list", {})).tasks.length, 1);
});

test("a pod that ended while its last task was deleted is removed", async () => {
  const { task_id } = await create();
  const [pod] = [...near.cluster.pods.values()];
  hooks.onDelete = () => void (pod!.status = { phase: "Failed", reason: "Evicted" });
  assert.deepEqual(await near.client.call("task.delete", { task_id }), { task_id, deleted: true });
  hooks.onDelete = () => {};
  assert.equal(near.cluster.pods.size, 0);
});

test("the name of a deleted task is free while its fork keeps the pod", async () => {
  const { task_id } = await create({ name: "taken" });
  const named = (await near.client.call("task.fork", { task_id, name: "other" })).tasks[0]!;
  await near.client.call("task.fork", { task_id });
  await near.client.call("task.delete", { task_id: named.task_id });
  assert.equal(await codeOf(create({ name: "taken" })), "ALREADY_EXISTS");
  await near.client.call("task.delete", { task_id });
  const again = await create({ name: "taken" });
  const { pod } = (await near.client.call("task.logs", { task_id: "taken" })) as never as { pod: string };
  assert.equal(pod, `pyro-${again.task_id.slice(5, 11)}`);
});
