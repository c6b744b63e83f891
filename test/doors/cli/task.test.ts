import assert from "node:assert/strict";
import { test } from "node:test";

import { renderLogs, renderTask, renderTasks } from "../../../src/doors/cli/task.js";
import { taskOf } from "../../task-of.js";

const make = { command: "make", exit_code: 0, timed_out: false, oom_killed: false };
const NOW = Date.parse("2026-01-02T00:00:00.000Z");

test("a list fits 80 columns with any command, and shows whole ids", () => {
  const last_command = {
    command: `echo ${"long ".repeat(100)}\n\ttwo lines`,
    exit_code: 0,
    timed_out: false,
    oom_killed: false,
  };
  const gone = { memory_bytes: null, disk_bytes: null };
  const unreadable = taskOf({ state: "unreadable", environment: "unknown", expires_at: null, ...gone });
  const tasks = [
    taskOf({ last_command }),
    taskOf({ last_command: { command: "é".repeat(90), exit_code: 1, timed_out: false, oom_killed: false } }),
    unreadable,
  ];
  const lines = renderTasks(tasks, NOW).trimEnd().split("\n");
  assert.equal(lines.length, 1 + tasks.length);
  for (const line of lines) assert.ok(line.length <= 80, line);
  for (const line of lines.slice(1)) assert.match(line, /^task-0123456789ab {2}/);
  assert.match(lines[1]!, /started +1d +1m +64G +1\.5G +echo long/);
  assert.match(lines[3]!, /unreadable +1d +never +- +-$/);
});

test("a task shows its age and the time until it expires, beside the times", () => {
  const text = renderTask(taskOf(), NOW);
  assert.match(text, /^Created: 2026-01-01T00:00:00\.000Z \(1d ago\)$/m);
  assert.match(text, /^Expires: 2026-01-02T00:01:30\.000Z \(in 1m\)$/m);
  const held = taskOf({ expires_at: "2026-01-01T23:00:00.000Z", running_commands: 1 });
  assert.match(renderTask(held, NOW), /^Expires: 2026-01-01T23:00:00\.000Z \(once its commands have ended\)$/m);
  assert.match(renderTask(taskOf({ expires_at: null }), NOW), /^Expires: never$/m);
});

test("an empty list prints that there are no tasks", () => {
  assert.match(renderTasks([], NOW), /no tasks/);
});

test("a task shows its state with the reason, and the outcome of the last command", () => {
  const failed = taskOf({ state: "failed", state_reason: "its VM ended", memory_bytes: null, disk_bytes: null });
  const text = renderTask({ ...failed, last_command: { ...make, exit_code: null } }, NOW);
  assert.match(text, /^State: failed \(its VM ended\)$/m);
  assert.match(text, /^Last command: make \(exit_code=none\)$/m);
  assert.match(text, /^Resources: 1 vCPU \/ 1024 MiB$/m);
  assert.doesNotMatch(text, /In use/);
});

test("a task shows its time-out, and that its last command timed out", () => {
  const last_command = { ...make, exit_code: 124, timed_out: true };
  const text = renderTask(taskOf({ timeout_seconds: 90, last_command }), NOW);
  assert.match(text, /^Time-out of commands: 90 s$/m);
  assert.match(text, /^Last command: make \(exit_code=124, timed out\)$/m);
});

test("a task shows that its last command ran out of memory", () => {
  const text = renderTask(taskOf({ last_command: { ...make, exit_code: 137, oom_killed: true } }), NOW);
  assert.match(text, /^Last command: make \(exit_code=137, out of memory\)$/m);
});

test("logs show each command's output after a line that names the command", () => {
  const entry = {
    ...{ task_id: "task-0123456789ab", sequence: 1, command: "make", cwd: "/workspace", state: "ended" as const },
    ...{ exit_code: 137, stdout: "out", stderr: "err\n", stdout_truncated: false, stderr_truncated: false },
    ...{ stdout_encoding: "utf-8" as "utf-8" | "base64", stderr_encoding: "utf-8" as const },
    ...{ stdout_omitted_bytes: 0, stderr_omitted_bytes: 0, duration_ms: 1, timed_out: false, aborted: true },
    ...{ oom_killed: true, mem_mib: 256 },
    ...{
      error: null,
      execution_mode: "guest" as const,
      accelerator: null,
      started_at: "2026-01-01T00:00:00.000Z",
      restored: null,
    },
  };
  const show = (changes: Partial<typeof entry>) =>
    Buffer.from(renderLogs({ task_id: "task-0123456789ab", count: 1, entries: [{ ...entry, ...changes }] }));
  const text = show({}).toString();
  assert.equal(text, "# 1  2026-01-01T00:00:00.000Z  exit_code=137, aborted, out of memory  make\nout\nerr\n");
  const binary = show({ stdout: "/wA=", stdout_encoding: "base64" });
  assert.ok(binary.includes(Buffer.from("make\n\xff\0\nerr\n", "latin1")));
});
