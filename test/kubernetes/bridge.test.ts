import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { buildHeader, frameType } from "../../src/host/stream-frames.js";
import { until } from "../client/scratch.js";
import { running, status } from "./api-double.js";
import { Near } from "./near.js";
import { makeWork } from "./task-daemon.js";

let near: Near;
before(async () => {
  near = await Near.open(makeWork);
});
after(() => near[Symbol.asyncDispose]());
beforeEach(() => {
  near.cluster.recorded.clear();
  near.cluster.pods.clear();
  near.cluster.states = [{ phase: "Pending" }, running];
  near.cluster.requests.length = 0;
});

const create = (fields: object = {}) => near.client.call("task.create", { environment: "debian:12", ...fields });
const errorOf = (call: Promise<unknown>): Promise<PyroError> =>
  call.then(
    () => assert.fail("no error"),
    (error: unknown) => PyroError.from(error),
  );
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "no error",
    (error: unknown) => PyroError.from(error).code,
  );

test("a task gets a pod of its size, and its id names the pod", async () => {
  const task = await create({ mem_mib: 512, labels: { team: "a/b" } });
  const [pod] = [...near.cluster.pods.values()];
  assert.equal(task.task_id.slice(5, 11), pod?.metadata.name.slice(5));
  const record = Object.entries(pod?.metadata.annotations ?? {}).find(([key]) => key.startsWith("task.pyro.dev/"));
  assert.equal(record?.[0], `task.pyro.dev/${task.task_id.slice(5)}`);
  assert.deepEqual(JSON.parse(record?.[1] ?? ""), task);
});

test("a call goes to the pod that an id names, and asks the API server for nothing else", async () => {
  const [one, other] = [await create(), await create()];
  near.cluster.requests.length = 0;
  for (const { task_id } of [one, other]) {
    const { pod } = (await near.client.call("task.logs", { task_id })) as never as { pod: string };
    assert.equal(pod.slice(5), task_id.slice(5, 11));
  }
  assert.deepEqual(
    near.cluster.requests,
    [one, other].map(({ task_id }) => `GET pods/pyro-${task_id.slice(5, 11)}/exec`),
  );
});

test("a name leads to its task, a fork's too, and belongs to one task", async () => {
  const { task_id } = await create({ name: "web" });
  const fork = (await near.client.call("task.fork", { task_id, name: "copy" })).tasks[0];
  for (const name of ["web", "copy", fork!.task_id]) {
    const { pod } = (await near.client.call("task.logs", { task_id: name })) as never as { pod: string };
    assert.equal(pod.slice(5), task_id.slice(5, 11), name);
  }
  assert.equal(await codeOf(create({ name: "web" })), "ALREADY_EXISTS");
  assert.equal(await codeOf(create({ name: "web-" })), "INVALID_ARGUMENT");
  assert.equal(near.cluster.pods.size, 1);
});

test("the list asks each daemon, and shows the record of a task whose pod has ended", async () => {
  const [kept, lost] = [await create({ labels: { a: "1" } }), await create({ labels: { a: "1" } })];
  await create({ labels: { a: "2" } });
  const pod = near.cluster.pods.get(`pyro-${lost.task_id.slice(5, 11)}`)!;
  pod.status = { ...running, conditions: [{ type: "Ready", status: "False" }] };
  const { tasks } = await near.client.call("task.list", { labels: ["a=1"] });
  const shown = tasks.map((task) => [task.task_id, task.state, task.state_reason]);
  assert.deepEqual(
    shown.toSorted(),
    [
      [kept.task_id, "started", null],
      [lost.task_id, "failed", "its node n1 was lost"],
    ].toSorted(),
  );
  near.cluster.recorded.set("GET pods/*/exec", status(500, "InternalError", "dial tcp: i/o timeout"));
  assert.equal((await near.client.call("task.status", { task_id: lost.task_id })).state, "failed");
  assert.equal(await codeOf(near.client.call("task.logs", { task_id: lost.task_id })), "FAILED_PRECONDITION");
  assert.equal(await codeOf(near.client.call("task.logs", { task_id: kept.task_id })), "DAEMON_UNREACHABLE");
  assert.deepEqual(await near.client.call("task.delete", { task_id: lost.task_id }), {
    task_id: lost.task_id,
    deleted: true,
  });
});

test("nothing is left of a task that could not be created", async () => {
  assert.equal(await codeOf(create({ environment: "broken" })), "ENVIRONMENT_UNKNOWN");
  assert.equal(near.cluster.pods.size, 0);
});

const waiting = (reason: string, message: string) => ({
  phase: "Pending",
  containerStatuses: [{ name: "pyro", state: { waiting: { reason, message } } }],
});
const stuck = [
  [waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/pyro:1"'), "FAILED_PRECONDITION", "image"],
  [waiting("ErrImageNeverPull", "Container image is not present"), "FAILED_PRECONDITION", "image"],
  [waiting("CreateContainerConfigError", 'secret "x" not found'), "FAILED_PRECONDITION", "CreateContainerConfigError"],
  [
    { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
    "VM_START_FAILED",
    undefined,
  ],
] as const;
for (const [state, code, reason] of stuck) {
  test(`a pod that does not start: ${JSON.stringify(state).slice(0, 100)}`, async () => {
    near.cluster.states = [state];
    const error = await errorOf(create());
    assert.deepEqual([error.code, error.details["reason"]], [code, reason]);
    assert.equal(near.cluster.pods.size, 0);
  });
}

test("a cancelled creation leaves no pod", async () => {
  near.cluster.states = [waiting("ContainerCreating", "")];
  const cancelling = new AbortController();
  const creating = near.client.call(
    "task.create",
    { environment: "debian:12" },
    { signal: cancelling.signal, onEvent: () => cancelling.abort() },
  );
  assert.equal(await codeOf(creating), "ABORTED");
  assert.equal(near.cluster.pods.size, 0);
});

test("a run whose client is gone, without a word, leaves no pod", async () => {
  const input = Buffer.from(JSON.stringify({ environment: "debian:12", command: "hang" }));
  const socket = connect(near.client.transport.socket);
  const head = "POST /v1/vm/run HTTP/1.1\r\nHost: pyro\r\nConnection: Upgrade\r\nUpgrade: pyro-stream/1\r\n";
  socket.write(`${head}Content-Length: 0\r\n\r\n`);
  socket.write(Buffer.concat([buildHeader(frameType.input, 0, input.length), input]));
  await until("its pod has the call", () => {
    const [name = ""] = near.cluster.pods.keys();
    return near.daemons.get(name)?.calls.includes("vm.run") === true;
  });
  socket.destroy();
  await until("the pod is removed", () => near.cluster.pods.size === 0);
});

test("a call whose connection breaks fails as on another machine, and the next one works", async () => {
  const { task_id } = await create();
  const onEvent = () => near.cluster.breakConnections();
  const error = await errorOf(near.client.call("task.exec", { task_id, command: "hang" }, { onEvent }));
  assert.equal(error.code, "DAEMON_UNREACHABLE");
  assert.equal(await codeOf(near.client.call("task.logs", { task_id })), "no error");
  near.cluster.breakConnections();
  await create();
});

test("what is part of the image is refused; a context of another kubeconfig entry is found again after a change", async () => {
  assert.equal(await codeOf(near.client.call("env.pull", { environment: "debian:12" })), "FAILED_PRECONDITION");
  assert.equal(await codeOf(near.client.call("task.logs", { task_id: "nobody" })), "NOT_FOUND");
  assert.equal(await codeOf(near.client.call("task.logs", { task_id: "task-0123456789ab" })), "NOT_FOUND");
  const path = join(near.directory, "kubeconfig");
  writeFileSync(path, near.cluster.kubeconfig({ token: "bad" }));
  assert.equal(await codeOf(near.client.call("task.list", {})), "REMOTE_DENIED");
  writeFileSync(path, near.cluster.kubeconfig());
  assert.equal(await codeOf(near.client.call("task.list", {})), "no error");
});
