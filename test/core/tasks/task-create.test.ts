import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";

import { Tasks } from "../../../src/core/tasks/tasks.js";
import { buildHandlers } from "../../../src/daemon/handlers.js";
import type { Lifetime } from "../../../src/daemon/lifetime.js";
import { Pyro } from "../../../src/index.js";
import { Listening, runInShell } from "../../daemon/listening.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";

test("a create that is cancelled while its machine starts rejects with ABORTED and leaves no task", async (t) => {
  await using machines = new AgentMachines();
  const controller = new AbortController();
  let aborted = Promise.resolve();
  const log = pino({ level: "silent" });
  const tasks = await Tasks.open({
    homePath: temporaryDirectory(t),
    machines,
    snapshots: machines.snapshots,
    keep: [],
    log,
  });
  const { "vm.run": _, "task.create": create, ...others } = buildHandlers({} as Lifetime);
  const handlers = {
    ...others,
    "task.create": (...[core, input, call]: Parameters<typeof create>) => {
      aborted = new Promise((resolve) => call.signal.addEventListener("abort", () => resolve()));
      return create(core, input, call);
    },
  };
  machines.before = async () => {
    controller.abort();
    await aborted;
  };
  await using daemon = new Listening(runInShell, { tasks, others: handlers });
  const pyro = new Pyro({ home: daemon.env.PYRO_HOME });
  await assert.rejects(pyro.createTask("debian:12", { signal: controller.signal }), { code: "ABORTED" });
  assert.equal((await pyro.listTasks()).tasks.length, 0);
});
