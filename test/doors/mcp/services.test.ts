import assert from "node:assert/strict";
import { test } from "node:test";

import { renderServices } from "../../../src/doors/mcp/services.js";
import { AgentMachines } from "../../core/agent-machines.js";
import { openTasks } from "../../core/open-tasks.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { connectHere, textOf } from "./connect.js";

const service = {
  ...{ name: "web", state: "failed", reason: "its command ended with exit status 3", exit_code: 3 },
  ...{ sequence: 4, restart_count: 2, last_lines: ["\u001b[31mcannot bind\u001b[0m"] },
  ports: [{ port: 8000, url: "http://127.0.0.1:4000" }],
};

test("a model reads the state of a service, its URLs and its last lines without terminal codes", () => {
  assert.equal(
    renderServices({ services: [service] }),
    [
      "Service web (command 4): failed (its command ended with exit status 3; exit_code 3; restarted 2 times)",
      "port 8000: http://127.0.0.1:4000",
      "Last lines:",
      "cannot bind",
    ].join("\n"),
  );
  assert.equal(renderServices({ services: [] }), "The task has no services.");
});

test("task_service: one tool starts, shows, reads and stops a service", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await using mcp = await connectHere({ env: daemon.env, profile: "full" });
  const ask = async (action: string, fields: object = {}) =>
    textOf(await mcp.call("task_service", { task_id: task.taskId, action, ...fields }));
  const started = await ask("start", { name: "web", command: "echo up; exec sleep 600", ready: "log:up" });
  assert.equal(started, "Service web (command 1): ready\nLast lines:\nup");
  assert.equal(await ask("list"), started);
  assert.equal(await ask("status", { name: "web" }), started);
  const logs = await ask("logs", { name: "web" });
  assert.equal(logs, "up\n[cursor 1.3.0]");
  assert.equal(await ask("logs", { name: "web", cursor: "1.3.0", wait_seconds: 0 }), "(no new output)\n[cursor 1.3.0]");
  assert.match(await ask("stop", { name: "web" }), /^Service web \(command 1\): stopped \(exit_code 143\)/);
  for (const [action, fields] of [
    ["status", {}],
    ["start", { name: "x" }],
  ] as const) {
    const { code } = await mcp.failure("task_service", { task_id: task.taskId, action, ...fields });
    assert.equal(code, "INVALID_ARGUMENT");
  }
  const broken = {
    task_id: task.taskId,
    action: "start",
    name: "broken",
    command: "echo why; exit 3",
    ready: "log:up",
  };
  const { code, text } = await mcp.failure("task_service", broken);
  assert.equal(code, "SERVICE_NOT_READY");
  assert.match(text, /why/);
});
