import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";

const PORT = 8000;

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const status = (of: string, name: string) => scratch.client.call("task.service.status", { task_id: of, name });
const answers = (url: string) =>
  fetch(url).then(
    ({ status: code }) => code,
    () => null,
  );

test("services of a VM: a server outlives the daemon, a stop of its task and its own failure, and a fork has its own", async () => {
  const started = await scratch.client.call("task.service.start", {
    ...{ task_id: task, name: "web", command: "exec python3 -m http.server 8000 --bind 127.0.0.1" },
    ...{ ready: `http:${PORT}/`, publish: [String(PORT)], restart: "on-failure" },
  });
  assert.equal(started.state, "ready");
  const { url } = started.ports[0]!;
  assert.equal(await answers(url), 200);

  await scratch.killDaemon();
  assert.deepEqual([(await status(task, "web")).state, await answers(url)], ["ready", 200]);

  await scratch.exec(task, "pkill -KILL -f http.server");
  await until("it was started again", async () => {
    const { state, restart_count: restarts } = await status(task, "web");
    return state === "ready" && restarts === 1;
  });
  assert.equal(await answers(url), 200);

  await scratch.client.call("task.stop", { task_id: task });
  assert.equal((await status(task, "web")).state, "suspended");
  await scratch.client.call("task.start", { task_id: task });
  assert.deepEqual([(await status(task, "web")).state, await answers(url)], ["ready", 200]);

  const [fork] = (await scratch.client.call("task.fork", { task_id: task })).tasks;
  const inFork = await status(fork!.task_id, "web");
  assert.deepEqual([inFork.state, inFork.ports, inFork.exit_code], ["ready", [], null]);
  const stopped = await scratch.client.call("task.service.stop", { task_id: fork!.task_id, name: "web" });
  assert.deepEqual([stopped.state, stopped.exit_code], ["stopped", 143]);
  await scratch.delete(fork!.task_id);
  assert.equal((await status(task, "web")).state, "ready");
});
