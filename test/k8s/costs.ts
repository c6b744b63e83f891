import assert from "node:assert/strict";
import { test } from "node:test";

import { callApi, control, listPods, NAMESPACE, readMetrics, report } from "./cluster.js";
import { type Near, useNear } from "./near.js";

const EXECS = 50;
const TASKS = 10;
let near: Near;
useNear((opened) => void (near = opened));

/** The requests that clients in the user's place have made for pods, by verb and subresource. */
async function countRequests(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readMetrics()).split("\n")) {
    const [, labels = "", count = "0"] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    if (label("resource") !== "pods" || label("scope") === "cluster") continue;
    const key = [label("verb"), label("subresource")].filter(Boolean).join(" ");
    counts.set(key, (counts.get(key) ?? 0) + Number(count));
  }
  return counts;
}

async function whileCounting(work: () => Promise<unknown>): Promise<string> {
  const before = await countRequests();
  await work();
  const grown = [...(await countRequests())].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return grown.flatMap(([key, count]) => (count > 0 ? [`${count} × ${key}`] : [])).join(", ");
}

/** The bytes that etcd's store holds. */
function readStoreBytes(): number {
  const ask = "exec 3<>/dev/tcp/127.0.0.1/2379; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
  const text = control("node", "1", "bash", "-c", ask);
  return Number(/^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

test("tasks run, and their cost for the API server and etcd is printed", async () => {
  const call = near.client;
  const storedBefore = readStoreBytes();
  const tasks: string[] = [];
  const created = await whileCounting(async () => {
    for (let i = 0; i < TASKS; i += 1)
      tasks.push((await call.call("task.create", { environment: "debian:12" })).task_id);
  });
  report(`requests for pods while ${TASKS} tasks were created, the nodes' own included`, created);
  const [pod] = await listPods();
  report("a pod as JSON", `${JSON.stringify(pod).length} bytes`);
  const { items } = await callApi("GET", `/api/v1/namespaces/${NAMESPACE}/events`);
  const name = pod!["metadata"].name;
  report("events of a task", String(items.filter((event: any) => event.involvedObject.name === name).length));
  report(`etcd's store grew for ${TASKS} tasks by`, `${Math.round((readStoreBytes() - storedBefore) / 1024)} KiB`);
  const ran = await whileCounting(async () => {
    for (let i = 0; i < EXECS; i += 1) {
      const { exit_code } = await call.call("task.exec", { task_id: tasks[i % TASKS]!, command: ["true"] });
      assert.equal(exit_code, 0);
    }
  });
  report(`requests for pods during ${EXECS} commands`, ran);
  const deleted = await whileCounting(() => Promise.all(tasks.map((task_id) => call.call("task.delete", { task_id }))));
  report(`requests for pods while ${TASKS} tasks were deleted`, deleted);
});
