import { exec, of, output, sh, SMALL, type Case } from "./case.js";

/** Time-outs in a task that has a default of its own. */
export const timeouts: readonly Case[] = [
  {
    name: "a task with a time-out",
    ...of("task.create", { ...SMALL, timeout_seconds: 1 }),
    expect: { timeout_seconds: 1 },
  },
  { name: "the time-out of its task", ...exec(["sleep", "60"]), expect: { timed_out: true, exit_code: 124 } },
  {
    name: "a background command without a time-out",
    ...exec(sh("until [ -e go ]; do sleep 0.02; done; sleep 1.1"), { background: true }),
    expect: { state: "running" },
  },
  {
    name: "what it waits for",
    ...of("task.file.write", { task_id: "$task", path: "go", content: "" }),
    expect: { created: true },
  },
  {
    name: "a background command after the time-out of its task",
    ...output({ wait_seconds: 30, wait_for: "end" }),
    expect: { exit_code: 0, timed_out: false, state: "ended" },
  },
  {
    name: "a background command with a time-out",
    ...exec(["sleep", "60"], { background: true, timeout_seconds: 3 }),
    expect: { state: "running" },
  },
  {
    name: "the end of a background command at its time-out",
    ...output({ wait_seconds: 30, wait_for: "end" }),
    expect: { exit_code: 124, timed_out: true, state: "ended" },
  },
  {
    name: "a task whose last command timed out",
    ...of("task.status", { task_id: "$task" }),
    expect: { timeout_seconds: 1 },
  },
  { name: "deleting the task with a time-out", ...of("task.delete", { task_id: "$task" }), expect: { deleted: true } },
];
