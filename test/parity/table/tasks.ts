import type { Input } from "../runner.js";
import { exec, LIMIT, MiB2, of, output, sh, SMALL, type Case } from "./case.js";
import { sessions } from "./sessions.js";

const wait = (fields: Input = {}) => of("task.wait", { task_id: "$task", sequence: "$sequence", ...fields });

export const tasks: readonly Case[] = [
  {
    name: "a task",
    ...of("task.create", {
      ...SMALL,
      ttl_seconds: 600,
      name: "parity",
      labels: { a_b: "cD" },
      env: { of_task: "kept" },
    }),
    expect: { state: "started", mem_mib: 256, name: "parity", labels: { a_b: "cD" }, env_names: ["of_task"] },
    on: "both",
  },
  {
    name: "a name that is taken",
    ...of("task.create", { ...SMALL, name: "parity" }),
    expect: "ALREADY_EXISTS",
    on: "both",
  },
  {
    name: "a name that looks like an id",
    ...of("task.create", { ...SMALL, name: "task-0123456789ab" }),
    expect: "INVALID_ARGUMENT",
  },
  {
    name: "a task's status by name",
    ...of("task.status", { task_id: "parity" }),
    expect: { name: "parity" },
    on: "both",
  },
  { name: "tasks with a label", ...of("task.list", { labels: ["a_b=cD"] }), expect: {}, on: "both" },
  { name: "tasks with a label that no task has", ...of("task.list", { labels: ["a_b=other"] }), expect: { tasks: [] } },
  {
    name: "a task's status",
    ...of("task.status", { task_id: "$task" }),
    expect: { command_count: 0, last_command: null },
    on: "both",
  },
  {
    name: "a command in a task",
    ...exec(sh("echo kept >note; pwd")),
    expect: { sequence: 1, stdout: "/workspace\n" },
    on: "both",
  },
  {
    name: "a second command",
    ...exec(["cat", "note"]),
    expect: { sequence: 2, stdout: "kept\n", state: "ended" },
    on: "both",
  },
  {
    name: "a command that fails",
    ...exec(sh("exit 9")),
    expect: { sequence: 3, exit_code: 9, error: null },
    on: "both",
  },
  {
    name: "a command with a terminal",
    ...exec(sh("test -t 0 && stty size"), { tty: true, rows: 50, cols: 132 }),
    expect: { stdout: "50 132\r\n", exit_code: 0 },
    on: "both",
  },
  {
    name: "a terminal that is too large",
    ...exec(["true"], { tty: true, rows: 10_000 }),
    expect: "INVALID_ARGUMENT",
    ownWords: ["CLI"],
  },
  {
    name: "a task's published ports",
    ...of("task.port.list", { task_id: "$task" }),
    expect: { ports: [] },
    on: "both",
  },
  {
    name: "an invalid port",
    ...of("task.port.publish", { task_id: "$task", port: 65_536 }),
    expect: "INVALID_ARGUMENT",
    ownWords: ["CLI"],
  },
  {
    name: "a port of an unknown task",
    ...of("task.port.publish", { task_id: "none", port: 8000 }),
    expect: "NOT_FOUND",
  },
  {
    name: "a port that is not published",
    ...of("task.port.close", { task_id: "$task", port: 8000 }),
    expect: "NOT_FOUND",
    on: "both",
  },
  {
    name: "network rules for a task without a network",
    ...of("task.network", { task_id: "$task", network_deny: ["192.0.2.0/24"] }),
    expect: "FAILED_PRECONDITION",
    on: "both",
  },
  {
    name: "an invalid network rule",
    ...of("task.network", { task_id: "$task", network_deny: ["example.org"] }),
    expect: "INVALID_ARGUMENT",
    ownWords: ["CLI"],
  },
  ...sessions,
  {
    name: "a command in another directory",
    ...exec(["pwd"], { cwd: "/tmp" }),
    expect: { cwd: "/tmp", stdout: "/tmp\n" },
  },
  {
    name: "a command in a directory relative to the workspace",
    ...exec(["pwd"], { cwd: "../tmp" }),
    expect: { cwd: "/tmp", stdout: "/tmp\n" },
  },
  {
    name: "variables, whose names are data",
    ...exec(sh('echo "$snake_case $camelCase $task_id $of_task"'), {
      env: { snake_case: "a_b", camelCase: "aB", task_id: "grün" },
    }),
    expect: { stdout: "a_b aB grün kept\n" },
    on: "both",
  },
  {
    name: "a command in a missing directory",
    ...exec(["true"], { cwd: "/no/such" }),
    expect: { exit_code: null, state: "ended" },
  },
  { name: "input in a task", ...exec(["cat"]), stdin: "世界", expect: { stdout: "世界" } },
  {
    name: "a time-out in a task",
    ...exec(["sleep", "60"], { timeout_seconds: 1 }),
    expect: { timed_out: true, exit_code: 124 },
    on: "both",
  },
  {
    name: "truncated output in a task",
    ...exec(sh(MiB2)),
    expect: { stdout_truncated: true, stdout_omitted_bytes: LIMIT },
  },
  {
    name: "a page of truncated output",
    ...output({ stdout_offset: 2_000_000, max_bytes: 1000 }),
    expect: { next_stdout_offset: 2_001_000, stdout_bytes: 2_097_152, complete: false },
  },
  {
    name: "the last page of output",
    ...output({ stdout_offset: 2_097_000, max_bytes: 1000 }),
    expect: { stdout: "x".repeat(152), next_stdout_offset: 2_097_152, complete: true },
  },
  {
    name: "binary output in a task",
    ...exec(["printf", "grün\\377\\376\\200\\201"]),
    expect: { stdout: "Z3LDvG7//oCB", stdout_encoding: "base64" },
  },
  {
    name: "a page of binary output in the order of arrival",
    ...output({ interleaved: true }),
    expect: { interleaved: [{ stream: "stdout", text: "Z3LDvG7//oCB" }], complete: true },
  },
  {
    name: "a log in the order of arrival",
    ...of("task.logs", { task_id: "$task", interleaved: true }),
    expect: {},
  },
  {
    name: "a page with text only, of binary output",
    ...output({ max_bytes: 4 }),
    expect: { stdout: "grü", stdout_encoding: "utf-8", next_stdout_offset: 4 },
  },
  {
    name: "a page that begins within a character",
    ...output({ stdout_offset: 3, max_bytes: 2 }),
    expect: { stdout: "vG4=", stdout_encoding: "base64", next_stdout_offset: 5 },
  },
  {
    name: "a page of binary output",
    ...output({ stdout_offset: 5 }),
    expect: { stdout: "//6AgQ==", stdout_encoding: "base64", complete: true },
  },
  {
    name: "the output of an unknown command",
    ...output({ sequence: 999 }),
    expect: "NOT_FOUND",
  },
  {
    name: "a command in the background",
    ...exec(sh("until [ -e go ]; do sleep 0.02; done; echo begun; sleep 60"), { background: true }),
    expect: { state: "running", exit_code: null, stdout: "" },
    on: "both",
  },
  {
    name: "what it waits for",
    ...of("task.file.write", { task_id: "$task", path: "go", content: "" }),
    expect: { created: true },
    on: "both",
  },
  {
    name: "the first output of a background command",
    ...output({ wait_seconds: 30 }),
    expect: { stdout: "begun\n", state: "running", complete: false },
    on: "both",
  },
  { name: "a wait that ends before the command", ...wait({ timeout_seconds: 0 }), expect: { state: "running" } },
  {
    name: "a signal",
    ...of("task.exec_signal", { task_id: "$task", sequence: "$sequence", signal: "TERM" }),
    expect: { sent: true },
    on: "both",
  },
  {
    name: "the end of a background command",
    ...output({ stdout_offset: 6, wait_seconds: 30, wait_for: "end" }),
    expect: { stdout: "", exit_code: 143, complete: true },
    on: "both",
  },
  { name: "a wait for a command that has ended", ...wait(), expect: { state: "ended", exit_code: 143 }, on: "both" },
  { name: "a wait for an unknown command", ...wait({ sequence: 999 }), expect: "NOT_FOUND" },
  {
    name: "a signal to a command that has ended",
    ...of("task.exec_signal", { task_id: "$task", sequence: "$sequence", signal: "TERM" }),
    expect: "FAILED_PRECONDITION",
  },
  {
    name: "a command that is cancelled",
    // A signal between the shell's fork and the program's start would be lost without the trap.
    ...exec(sh("trap 'exit 130' INT; echo begun; while :; do sleep 0.1; done")),
    cancel: true,
    expect: { aborted: true, stdout: "begun\n", timed_out: false },
    on: "both",
  },
  {
    name: "the output after a cancelled command",
    ...of("task.status", { task_id: "$task" }),
    expect: { state: "started" },
    on: "both",
  },
  { name: "a task's logs", ...of("task.logs", { task_id: "$task" }), expect: {}, on: "both" },
  { name: "the list of tasks", ...of("task.list"), expect: {}, on: "both" },
  {
    name: "a command that ends the VM",
    ...exec(sh("sync; echo o >/proc/sysrq-trigger; sleep 60")),
    expect: "VM_DIED",
    on: "vm",
  },
  { name: "deleting a task", ...of("task.delete", { task_id: "$task" }), expect: { deleted: true }, on: "both" },
  { name: "deleting a deleted task", ...of("task.delete", { task_id: "$task" }), expect: "NOT_FOUND", on: "both" },
];
