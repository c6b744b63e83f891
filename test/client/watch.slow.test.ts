import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client } from "../../src/client/client.js";
import { watchTask, type WatchEvent } from "../../src/client/watch/watch-task.js";
import { AgentMachines } from "../core/agent-machines.js";
import { openTasks } from "../core/open-tasks.js";
import { temporaryDirectory } from "../store/scratch.js";
import { until } from "./scratch.js";

test("a watch continues while its task is stopped, and its next push starts the task", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const source = temporaryDirectory(t);
  const client = new Client(daemon.env);
  const looks = t.mock.method(client, "callRunning");
  const ending = new AbortController();
  const events: WatchEvent[] = [];
  const watching = watchTask(
    client,
    { task_id: task.taskId, source_path: source },
    { signal: ending.signal, onEvent: (event) => void events.push(event) },
  );
  watching.catch(() => {});
  await until("the first push", () => events.length === 1);
  await task.stop();
  const before = looks.mock.callCount();
  await until("it looks at the task", () => looks.mock.callCount() > before);
  assert.equal((await task.status()).state, "stopped");
  writeFileSync(join(source, "a"), "a");
  await until("the second push", () => events.length === 2);
  assert.ok(existsSync(join(machines.workspaces[0]!, "a")));
  assert.equal((await task.status()).state, "started");
  ending.abort();
  assert.equal(await watching, 2);
});
