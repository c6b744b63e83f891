import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { VmScratch } from "../../vm/vm-scratch.js";
import { textOf, connectStdio, type Connected } from "./connect.js";

interface Exec {
  sequence: number;
  state: string;
  exit_code: number | null;
  stdout: string;
  stderr: string;
  next_stdout_offset: number;
  next_stderr_offset: number;
  stdout_bytes: number;
  complete: boolean;
  aborted: boolean;
}

const size = { environment: "debian:12", mem_mib: 256 };
let scratch: VmScratch;
let mcp: Connected;

function result<Result = Exec>(name: string, input: Record<string, unknown> = {}): Promise<Result> {
  return mcp.result<Result>(name, input);
}

before(async () => {
  scratch = new VmScratch();
  mcp = await connectStdio(scratch.env);
});

after(async () => {
  await mcp.client.close();
  await scratch[Symbol.asyncDispose]();
});

test("vm_run: streams, exit code, standard input", async () => {
  const run = await result("vm_run", { ...size, command: "cat; echo err >&2; exit 3", stdin: "in\n" });
  assert.deepEqual([run.exit_code, run.stdout, run.stderr], [3, "in\n", "err\n"]);
});

test("vm_list_environments, and a VM step by step", async () => {
  const { environments } = await result<{ environments: { name: string; installed: boolean }[] }>(
    "vm_list_environments",
  );
  assert.ok(environments.some(({ name, installed }) => name === "debian:12" && installed));
  const { vm_id } = await result<{ vm_id: string }>("vm_create", size);
  assert.equal((await result<{ state: string }>("vm_start", { vm_id })).state, "started");
  assert.equal((await result<{ state: string }>("vm_status", { vm_id })).state, "started");
  assert.equal((await result<{ network: unknown }>("vm_network_info", { vm_id })).network, null);
  assert.equal((await result("vm_exec", { vm_id, command: "echo $0" })).exit_code, 0);
  const other = await result<{ vm_id: string }>("vm_create", size);
  await result("vm_start", { vm_id: other.vm_id });
  assert.equal((await result<{ state: string }>("vm_stop", { vm_id: other.vm_id })).state, "stopped");
  await result("vm_delete", { vm_id: other.vm_id });
  assert.equal((await mcp.failure("vm_exec", { vm_id: other.vm_id, command: "true" })).code, "NOT_FOUND");
  assert.deepEqual(await result("vm_reap_expired"), { removed: [] });
});

test("a task: foreground and background commands, output from a cursor, a signal, logs, resources", async () => {
  const { task_id } = await mcp.hears("the task", () => result<{ task_id: string }>("task_create", size));
  await result("task_exec", { task_id, command: "echo kept >note" });
  assert.equal((await result("task_exec", { task_id, command: "cat note" })).stdout, "kept\n");

  const pushed = await result<{ entry_count: number }>("task_sync_push", { task_id, source_path: import.meta.dirname });
  assert.ok(pushed.entry_count > 1);

  const script = "echo one; while ! [ -e go ]; do sleep 0.1; done; echo two; exec sleep 1000";
  const started = await result("task_exec", { task_id, command: script, background: true, timeout_seconds: 600 });
  assert.deepEqual([started.state, started.exit_code], ["running", null]);
  const at = { task_id, sequence: started.sequence };
  const first = await result("task_exec_output", { ...at, wait_seconds: 30 });
  assert.deepEqual([first.stdout, first.complete], ["one\n", false]);
  await result("task_exec", { task_id, command: "touch go" });
  const place = { stdout_offset: first.next_stdout_offset, stderr_offset: first.next_stderr_offset };
  const second = await result("task_exec_output", { ...at, ...place, wait_seconds: 30 });
  assert.equal(second.stdout, "two\n");
  await result("task_exec_signal", { ...at, signal: "INT" });
  const end = { ...at, stdout_offset: second.next_stdout_offset, wait_seconds: 30, wait_for: "end" };
  const ended = await result("task_exec_output", end);
  assert.deepEqual([ended.state, ended.exit_code, ended.stdout, ended.complete], ["ended", 130, "", true]);
  assert.equal((await mcp.failure("task_exec_signal", at)).code, "FAILED_PRECONDITION");

  const nowhere = await mcp.call("task_exec", { task_id, command: "true", cwd: "/nowhere" });
  assert.equal(nowhere.isError, true);
  assert.match(textOf(nowhere), /ENOENT/);

  const { tasks } = await result<{ tasks: { task_id: string }[] }>("task_list");
  assert.ok(tasks.some((task) => task.task_id === task_id));
  assert.equal((await result<{ command_count: number }>("task_status", { task_id })).command_count, 5);
  const { entries } = await result<{ entries: Exec[] }>("task_logs", { task_id });
  assert.deepEqual(
    entries.map(({ exit_code }) => exit_code),
    [0, 0, 130, 0, null],
  );

  const { resources } = await mcp.client.listResources();
  assert.ok(resources.some(({ uri }) => uri === `pyro://tasks/${task_id}`));
  const read = async (uri: string) => {
    const [content] = (await mcp.client.readResource({ uri })).contents;
    return content && "text" in content ? content.text : "";
  };
  assert.match(await read(`pyro://tasks/${task_id}/logs/2`), /kept/);
  assert.match(await read(`pyro://tasks/${task_id}`), /"started"/);
  assert.match(await read("pyro://environments"), /debian:12/);
  await assert.rejects(mcp.client.readResource({ uri: `pyro://tasks/${task_id}/logs/99` }), { code: -32602 });

  await mcp.hears("its end", () => result("task_delete", { task_id }));
  assert.equal((await mcp.failure("task_status", { task_id })).code, "NOT_FOUND");
});
