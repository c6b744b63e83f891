import assert from "node:assert/strict";
import { test } from "node:test";

import type { OperationEvent } from "../../src/contract/operation.js";
import { until } from "../client/scratch.js";
import { apply, callApi, control, listPods, NAMESPACE, untilEnded, untilNoPods } from "./cluster.js";
import { Near, untilSwept, useNear } from "./near.js";

const QUOTA = `/api/v1/namespaces/${NAMESPACE}/resourcequotas/pyro`;
const create = { environment: "debian:12" };
let near: Near;
useNear((opened) => void (near = opened));

/** The error of a call in a context that is made for it. */
async function failure(
  given: Parameters<typeof Near.open>[0],
): Promise<{ code: string; message: string; hint: string }> {
  const other = await Near.open(given);
  try {
    return await other.client.call("task.create", create).then(
      () => assert.fail("the task was created"),
      (error: { code: string; message: string; hint: string }) => error,
    );
  } finally {
    await other[Symbol.asyncDispose]();
  }
}

test("a quota that is exceeded is named, with what is left", async () => {
  await apply({
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "pyro" },
    spec: { hard: { "requests.memory": "1Gi" } },
  });
  try {
    await until("the quota is enforced", async () => (await callApi("GET", QUOTA))["status"]?.hard !== undefined);
    const { code, message } = await failure({});
    assert.equal(code, "RESOURCE_EXHAUSTED");
    assert.match(message, /quota/i);
  } finally {
    await callApi("DELETE", QUOTA);
  }
  await untilNoPods();
});

test("an image that does not exist is named, and its pod removed", async () => {
  const image = "localhost/absent:1";
  const { code, message } = await failure({ image, container: { imagePullPolicy: "Never" } });
  assert.equal(code, "FAILED_PRECONDITION");
  assert.match(message, /localhost\/absent:1/);
  await untilNoPods();
});

test("a user who may not create pods, and a namespace that does not exist: refused with the next step", async () => {
  const narrow = await failure({ user: "narrow" });
  assert.equal(narrow.code, "REMOTE_DENIED");
  assert.match(narrow.message, /pods/);
  const absent = await failure({ user: "admin", namespace: "absent" });
  assert.match(`${absent.code} ${absent.message}`, /absent/);
});

test("a request that no node has room for says why, and leaves no pod", async () => {
  const other = await Near.open({ spec: { nodeSelector: { "example.com/absent": "yes" } } });
  const leaving = new AbortController();
  const messages: string[] = [];
  const onEvent = (event: OperationEvent) => {
    if (event.event !== "progress") return;
    messages.push(event.message);
    if (/nodes are available/.test(event.message)) leaving.abort();
  };
  try {
    await assert.rejects(other.client.call("task.create", create, { signal: leaving.signal, onEvent }), {
      code: "ABORTED",
    });
    assert.match(messages.at(-1)!, /^Waiting for the pod: 0\/2 nodes are available/);
  } finally {
    await other[Symbol.asyncDispose]();
  }
  await untilNoPods();
});

test("an API server that is started again: the task keeps running, and the next command works", async () => {
  const { task_id } = await near.client.call("task.create", create);
  const count = async () => {
    const { stdout } = await near.client.call("task.exec", { task_id, command: ["cat", "count"] });
    return Number(stdout.trim().split("\n").at(-1));
  };
  await near.client.call("task.exec", {
    task_id,
    command: ["sh", "-c", "(i=0; while :; do i=$((i+1)); echo $i >count; sleep 0.2; done) >/dev/null 2>&1 &"],
  });
  await until("it counts", async () => (await count()) > 0);
  control("node", "1", "pkill", "-9", "-f", "^/cluster/bin/kube-apiserver ");
  await until(
    "a command works again",
    () =>
      near.client.call("task.exec", { task_id, command: ["true"] }).then(
        () => true,
        () => false,
      ),
    180,
  );
  const before = await count();
  await until("it counts on", async () => (await count()) > before);
  await near.client.call("task.delete", { task_id });
});

test("a client that is killed while its pod starts: the pod ends by itself, and is removed", async () => {
  const other = await Near.open();
  const child = other.start(["run", "debian:12", "--", "sleep", "1000"]);
  await until("its pod runs", async () => (await listPods()).some(({ status }) => status.phase === "Running"));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  await other[Symbol.asyncDispose]();
  await untilEnded();
  await untilSwept(near);
});
