import { exec, LIMIT, MiB2, of, output, sh, SMALL, type Case } from "./case.js";

export const tasks: readonly Case[] = [
  {
    name: "a task",
    ...of("task.create", { ...SMALL, ttl_seconds: 600 }),
    expect: { state: "started", mem_mib: 256 },
    on: "both",
  },
  {
    name: "its status",
    ...of("task.status", { task_id: "$task" }),
    expect: { command_count: 0, last_command: null },
    on: "both",
  },
  {
    name: "a command in it",
    ...exec(sh("echo kept >note; pwd")),
    expect: { sequence: 1, stdout: "/workspace\n" },
    on: "both",
  },
  {
    name: "the next one",
    ...exec(["cat", "note"]),
    expect: { sequence: 2, stdout: "kept\n", state: "ended" },
    on: "both",
  },
  { name: "one that fails", ...exec(sh("exit 9")), expect: { sequence: 3, exit_code: 9, error: null }, on: "both" },
  { name: "another directory", ...exec(["pwd"], { cwd: "/tmp" }), expect: { cwd: "/tmp", stdout: "/tmp\n" } },
  {
    name: "variables, whose names are data",
    ...exec(sh('echo "$snake_case $camelCase $task_id"'), {
      env: { snake_case: "a_b", camelCase: "aB", task_id: "grün" },
    }),
    expect: { stdout: "a_b aB grün\n" },
    on: "both",
  },
  { name: "no such directory", ...exec(["true"], { cwd: "/no/such" }), expect: { exit_code: null, state: "ended" } },
  { name: "input in a task", ...exec(["cat"]), stdin: "世界", expect: { stdout: "世界" } },
  { name: "a time-out in a task", ...exec(["sleep", "60"], { timeout_seconds: 1 }), expect: { timed_out: true } },
  {
    name: "truncated output in a task",
    ...exec(sh(MiB2)),
    expect: { stdout_truncated: true, stdout_omitted_bytes: LIMIT },
  },
  {
    name: "a page of it",
    ...output({ stdout_offset: 2_000_000, max_bytes: 1000 }),
    expect: { next_stdout_offset: 2_001_000, stdout_bytes: 2_097_152, complete: false },
  },
  {
    name: "its last page",
    ...output({ stdout_offset: 2_097_000, max_bytes: 1000 }),
    expect: { stdout: "x".repeat(152), next_stdout_offset: 2_097_152, complete: true },
  },
  {
    name: "the output of no such command",
    ...output({ sequence: 999 }),
    expect: "NOT_FOUND",
  },
  {
    name: "a command in the background",
    ...exec(sh("echo begun; sleep 60"), { background: true }),
    expect: { state: "running", exit_code: null },
    on: "both",
  },
  {
    name: "its first output",
    ...output({ wait_seconds: 30 }),
    expect: { stdout: "begun\n", state: "running", complete: false },
    on: "both",
  },
  {
    name: "a signal",
    ...of("task.exec_signal", { task_id: "$task", sequence: "$sequence", signal: "TERM" }),
    expect: { sent: true },
    on: "both",
  },
  {
    name: "its end",
    ...output({ stdout_offset: 6, wait_seconds: 30, wait_for: "end" }),
    expect: { stdout: "", exit_code: 143, complete: true },
    on: "both",
  },
  {
    name: "a signal to what has ended",
    ...of("task.exec_signal", { task_id: "$task", sequence: "$sequence", signal: "TERM" }),
    expect: "FAILED_PRECONDITION",
  },
  {
    name: "a command that is cancelled",
    ...exec(sh("echo begun; sleep 60")),
    cancel: true,
    expect: { aborted: true, stdout: "begun\n", timed_out: false },
    on: "both",
  },
  {
    name: "what the task says then",
    ...of("task.status", { task_id: "$task" }),
    expect: { state: "started" },
    on: "both",
  },
  { name: "its logs", ...of("task.logs", { task_id: "$task" }), expect: {}, on: "both" },
  { name: "the list", ...of("task.list"), expect: {}, on: "both" },
  {
    name: "a command that ends the VM",
    ...exec(sh("sync; echo o >/proc/sysrq-trigger; sleep 60")),
    expect: "VM_DIED",
    on: "vm",
  },
  { name: "deleting it", ...of("task.delete", { task_id: "$task" }), expect: { deleted: true }, on: "both" },
  { name: "deleting it again", ...of("task.delete", { task_id: "$task" }), expect: "NOT_FOUND", on: "both" },
];
