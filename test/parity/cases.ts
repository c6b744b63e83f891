import type { OperationName } from "../../src/contract/operations.js";
import type { Input } from "./runner.js";

/** One call that every door must answer alike. */
export interface Case {
  readonly name: string;
  readonly operation: OperationName;
  /** `$task` and `$vm` stand for the ids of the task and the VM that were made last, `$source/…` for what `sources.ts` makes. */
  readonly input: Input;
  readonly stdin?: string;
  readonly cancel?: boolean;
  /** Fields of the result, or the code of the error: so that not all are equally wrong. */
  readonly expect: Readonly<Record<string, unknown>> | string;
  /** Part of the smaller set that runs on real VMs too; `vm` runs there only. */
  readonly on?: "both" | "vm";
  /** Doors that refuse it before the daemon does, in words of their own: only the code is compared. */
  readonly ownWords?: readonly string[];
}

const sh = (script: string) => ["sh", "-c", script];
const ENVIRONMENT = { environment: "debian:12" };
/** Small, and where there is no VM, without one. */
const SMALL = { ...ENVIRONMENT, mem_mib: 256, allow_host_compat: true };

const run = (command: unknown, fields: Input = {}) => ({
  operation: "vm.run" as const,
  input: { ...SMALL, command, ...fields },
});
const exec = (command: unknown, fields: Input = {}) => ({
  operation: "task.exec" as const,
  input: { task_id: "$task", command, ...fields },
});
const of = (operation: OperationName, input: Input = {}) => ({ operation, input });

const LIMIT = 1_048_576;
const MiB2 = "head -c 2097152 /dev/zero | tr '\\0' x";

const commands: Case[] = [
  { name: "success", ...run(["echo", "hello"]), expect: { exit_code: 0, stdout: "hello\n", stderr: "" }, on: "both" },
  {
    name: "failure",
    ...run(sh("echo out; echo err >&2; exit 7")),
    expect: { exit_code: 7, stderr: "err\n" },
    on: "both",
  },
  { name: "no such program", ...run(["no-such-program"]), expect: { exit_code: 127 }, on: "both" },
  { name: "not executable", ...run(["/etc/passwd"]), expect: { exit_code: 126 } },
  { name: "ended by a signal", ...run(sh("kill -TERM $$")), expect: { exit_code: 143 } },
  { name: "exit code 255", ...run(sh("exit 255")), expect: { exit_code: 255 } },
  { name: "no output", ...run(["true"]), expect: { stdout: "", stderr: "", stdout_truncated: false } },
  { name: "no newline at the end", ...run(["printf", "x"]), expect: { stdout: "x" } },
  { name: "carriage returns", ...run(["printf", "a\\r\\nb\\r\\n"]), expect: { stdout: "a\r\nb\r\n" } },
  {
    name: "control sequences",
    ...run(["printf", "\\033[31mred\\033[0m\\a"]),
    expect: { stdout: "\x1b[31mred\x1b[0m\x07" },
  },
  {
    name: "Unicode",
    ...run(["echo", "grüße 世界 🔥 e\u0301"]),
    expect: { stdout: "grüße 世界 🔥 e\u0301\n" },
    on: "both",
  },
  { name: "bytes that are no text", ...run(["printf", "a\\377\\200b"]), expect: { stdout: "a\uFFFD\uFFFDb" } },
  { name: "NUL in the output", ...run(["printf", "a\\000b"]), expect: { stdout: "a\0b" } },
  {
    name: "words as they are",
    ...run(["printf", "%s|", "$HOME", "a  b", "it's", '"', "*", "\\", "\n", "", "A=b"]),
    expect: { stdout: "$HOME|a  b|it's|\"|*|\\|\n||A=b|" },
  },
  { name: "an assignment as the program", ...run(["A=b", "x"]), expect: { exit_code: 127, command: "'A=b' x" } },
  { name: "standard input", ...run(["cat"]), stdin: "grün\nlast", expect: { stdout: "grün\nlast" }, on: "both" },
  { name: "no standard input", ...run(["wc", "-c"]), expect: { stdout: "0\n" } },
  { name: "standard input that nobody reads", ...run(["true"]), stdin: "x".repeat(1000), expect: { exit_code: 0 } },
  {
    name: "a time-out",
    ...run(sh("echo early; sleep 60"), { timeout_seconds: 1 }),
    expect: { stdout: "early\n", timed_out: true, aborted: false, exit_code: 137 },
    on: "both",
  },
  {
    name: "truncated output",
    ...run(sh(`echo first; ${MiB2}; echo; echo last`)),
    expect: { stdout_truncated: true, stdout_omitted_bytes: 2_097_152 + 12 - LIMIT, stderr_truncated: false },
    on: "both",
  },
  {
    name: "truncated errors",
    ...run(sh(`(${MiB2}) >&2`)),
    expect: { stderr_truncated: true, stderr_omitted_bytes: LIMIT },
  },
  {
    name: "output of just the limit",
    ...run(sh(`head -c ${LIMIT} /dev/zero | tr '\\0' x`)),
    expect: { stdout_truncated: false, stdout_omitted_bytes: 0 },
  },
  {
    name: "output cut within a character",
    ...run(
      sh(
        "i=0; while [ $i -lt 9000 ]; do i=$((i+1)); printf '世%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; done",
      ),
    ),
    expect: { stdout_truncated: true },
  },
  { name: "the longest command", ...run(["echo", "x".repeat(49_152 - 5)]), expect: { exit_code: 0 } },
];

const refusals: Case[] = [
  { name: "a command too long", ...run(["echo", "x".repeat(49_152)]), expect: "INVALID_ARGUMENT" },
  { name: "an empty command", ...run(""), expect: "INVALID_ARGUMENT" },
  { name: "NUL in the command", ...run("echo a\0b"), expect: "INVALID_ARGUMENT" },
  {
    name: "an unknown environment",
    ...run(["true"], { environment: "debian:99" }),
    expect: "ENVIRONMENT_UNKNOWN",
    on: "both",
  },
  {
    name: "an environment's name mistyped",
    ...run(["true"], { environment: "debain:12" }),
    expect: "ENVIRONMENT_UNKNOWN",
  },
  { name: "no processors", ...run(["true"], { vcpu_count: 0 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "too little memory", ...run(["true"], { mem_mib: 255 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "no time", ...run(["true"], { timeout_seconds: 0 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  {
    name: "too much time",
    ...run(["true"], { timeout_seconds: 86_401 }),
    expect: "INVALID_ARGUMENT",
    ownWords: ["CLI"],
  },
  { name: "a fraction", ...run(["true"], { mem_mib: 256.5 }), expect: "INVALID_ARGUMENT", ownWords: ["CLI"] },
  { name: "more memory than there is", ...run(["true"], { mem_mib: 65_536 }), expect: "RESOURCE_EXHAUSTED", on: "vm" },
  { name: "no task's id", ...of("task.status", { task_id: "../../etc" }), expect: "INVALID_ARGUMENT" },
  { name: "no such task", ...of("task.status", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND", on: "both" },
  { name: "the logs of no such task", ...of("task.logs", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "deleting no such task", ...of("task.delete", { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "a command in no such task", ...exec(["true"], { task_id: "task-0123456789ab" }), expect: "NOT_FOUND" },
  { name: "no VM's id", ...of("vm.status", { vm_id: "vm-x" }), expect: "INVALID_ARGUMENT" },
  { name: "no such VM", ...of("vm.status", { vm_id: "vm-0123456789ab" }), expect: "NOT_FOUND" },
  {
    name: "inspecting an unknown environment",
    ...of("env.inspect", { environment: "x" }),
    expect: "ENVIRONMENT_UNKNOWN",
  },
  { name: "pulling an unknown environment", ...of("env.pull", { environment: "x" }), expect: "ENVIRONMENT_UNKNOWN" },
];

const tasks: Case[] = [
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
    expect: { exit_code: null },
    on: "vm",
  },
  { name: "deleting it", ...of("task.delete", { task_id: "$task" }), expect: { deleted: true }, on: "both" },
  { name: "deleting it again", ...of("task.delete", { task_id: "$task" }), expect: "NOT_FOUND", on: "both" },
];

const push = (name: string, fields: Input = {}) =>
  of("task.sync.push", { task_id: "$task", source_path: `$source/${name}`, ...fields });

const sources: Case[] = [
  {
    name: "a seeded task",
    ...of("task.create", { ...SMALL, source_path: "$source/tree", exclude: ["*.log"] }),
    expect: { command_count: 0, last_push: null },
    on: "both",
  },
  { name: "what it was seeded with", ...of("task.status", { task_id: "$task" }), expect: {}, on: "both" },
  {
    name: "its files",
    ...exec(sh("find . | sort; cat 'grün/世界.txt'; ls -l link | sed 's/.*-> //'; stat -c '%a %Y' run.sh")),
    expect: { exit_code: 0, stdout: ".\n./grün\n./grün/世界.txt\n./link\n./run.sh\nhello\nrun.sh\n755 1000000000\n" },
    on: "both",
  },
  { name: "a push", ...push("tree"), expect: { mode: "directory", entry_count: 5, bytes_written: 23 }, on: "both" },
  {
    name: "an archive pushed elsewhere",
    ...push("tree.tgz", { dest: "sub/dir" }),
    expect: { mode: "archive", destination: "/workspace/sub/dir" },
  },
  {
    name: "a push with patterns",
    ...push("tree", { exclude: ["*.log", "grün/"] }),
    expect: { entry_count: 2, excluded_count: 2 },
    on: "both",
  },
  {
    name: "patterns and what they take back",
    ...push("tree", { exclude: ["*"], include: ["run.sh"] }),
    expect: { entry_count: 1 },
  },
  { name: "a dry run", ...push("tree", { dry_run: true }), expect: { dry_run: true, entry_count: 5 } },
  { name: "a destination outside", ...push("tree", { dest: "/etc" }), expect: "INVALID_ARGUMENT" },
  { name: "no such source", ...push("nothing"), expect: "SOURCE_NOT_FOUND" },
  { name: "a source of another kind", ...push("tree/run.sh"), expect: "SOURCE_UNSUPPORTED" },
  { name: "a file that is no archive", ...push("text.tar"), expect: "SOURCE_UNSUPPORTED" },
  { name: "an archive that leaves its root", ...push("escapes.tar"), expect: "ARCHIVE_PATH_ESCAPES", on: "both" },
  { name: "an archive with a link that leaves it", ...push("link.tar"), expect: "ARCHIVE_LINK_ESCAPES" },
  { name: "half an archive", ...push("half.tgz"), expect: "ARCHIVE_CORRUPT" },
  { name: "a FIFO", ...push("special"), expect: "ARCHIVE_SPECIAL_FILE", ownWords: ["Python", "HTTP"] },
  {
    name: "what stands in the way of a push",
    ...exec(sh("rm -r run.sh; mkdir -p run.sh/full; ln -s /tmp away")),
    expect: { exit_code: 0 },
  },
  { name: "a directory in the place of a file", ...push("tree"), expect: "WORKSPACE_CONFLICT" },
  { name: "a way through a link", ...push("tree", { dest: "/workspace/away/sub" }), expect: "WORKSPACE_LINK" },
  {
    name: "deleting the seeded task",
    ...of("task.delete", { task_id: "$task" }),
    expect: { deleted: true },
    on: "both",
  },
  {
    name: "a task from a source that is not there",
    ...of("task.create", { ...SMALL, source_path: "$source/nothing" }),
    expect: "SOURCE_NOT_FOUND",
  },
  {
    name: "a task from a source that is refused",
    ...of("task.create", { ...SMALL, source_path: "$source/escapes.tar" }),
    expect: "ARCHIVE_PATH_ESCAPES",
  },
  { name: "no task is left of it", ...of("task.list"), expect: { tasks: [] } },
];

const steps: Case[] = [
  { name: "a VM", ...of("vm.create", SMALL), expect: { state: "created", execution_mode: null }, on: "both" },
  {
    name: "a command before it is started",
    ...of("vm.exec", { vm_id: "$vm", command: ["true"] }),
    expect: "FAILED_PRECONDITION",
    on: "both",
  },
  { name: "starting it", ...of("vm.start", { vm_id: "$vm" }), expect: { state: "started" }, on: "both" },
  { name: "starting it again", ...of("vm.start", { vm_id: "$vm" }), expect: "FAILED_PRECONDITION" },
  { name: "the VM's status", ...of("vm.status", { vm_id: "$vm" }), expect: { state: "started" }, on: "both" },
  {
    name: "its one command",
    ...of("vm.exec", { vm_id: "$vm", command: sh("cat; echo $A; pwd"), cwd: "/", env: { A: "b" } }),
    stdin: "in ",
    expect: { stdout: "in b\n/\n", cleanup: { deleted: true } },
    on: "both",
  },
  { name: "the VM after it", ...of("vm.status", { vm_id: "$vm" }), expect: "NOT_FOUND", on: "both" },
  { name: "a VM", ...of("vm.create", SMALL), expect: { state: "created" } },
  { name: "stopping it", ...of("vm.stop", { vm_id: "$vm" }), expect: { state: "stopped" } },
  { name: "starting a stopped one", ...of("vm.start", { vm_id: "$vm" }), expect: "FAILED_PRECONDITION" },
  { name: "deleting the VM", ...of("vm.delete", { vm_id: "$vm" }), expect: { deleted: true } },
  { name: "deleting the VM again", ...of("vm.delete", { vm_id: "$vm" }), expect: "NOT_FOUND" },
  { name: "what has expired", ...of("vm.reap_expired"), expect: { removed: [] }, on: "both" },
];

const host: Case[] = [
  { name: "the environments", ...of("env.list"), expect: {}, on: "both" },
  { name: "one environment", ...of("env.inspect", ENVIRONMENT), expect: { name: "debian:12", installed: true } },
  { name: "pulling what is there", ...of("env.pull", ENVIRONMENT), expect: { built: false, repaired: false } },
  { name: "whether the host is able", ...of("doctor"), expect: {}, on: "both" },
  { name: "no VM, and nothing else allowed", ...run(["true"], { allow_host_compat: false }), expect: "HOST_NOT_ABLE" },
];

/** The table. Each door takes it from the first to the last, with a task and VMs of its own. */
export const cases: readonly Case[] = [...commands, ...refusals, ...tasks, ...sources, ...steps, ...host];
