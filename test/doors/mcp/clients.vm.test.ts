import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../../client/scratch.js";
import { VmScratch } from "../../vm/vm-scratch.js";
import { connectStdio, textOf } from "./connect.js";

const size = { environment: "debian:12", mem_mib: 256 };

interface Task {
  task_id: string;
  running_commands: number;
}
interface Logs {
  entries: { state: string; aborted: boolean; stdout: string }[];
}

test("a cancelled vm_run leaves no VM, a cancelled task_exec leaves the task and says aborted", async (t) => {
  await using scratch = new VmScratch();
  await using mcp = await connectStdio(scratch.env);
  const controller = new AbortController();
  const input = { ...size, command: "sleep 1000", timeout_seconds: 2000 };
  const running = mcp.call("vm_run", input, { signal: controller.signal });
  running.catch(() => {});
  await until("the VM is there", () => scratch.leftovers().length > 0);
  await until("it is the daemon's", async () => (await vmsOf(scratch)) > 0);
  const started = performance.now();
  controller.abort();
  await assert.rejects(running);
  await until("no VM is left", () => scratch.leftovers().length === 0);
  t.diagnostic(`the VM was gone after ${Math.round(performance.now() - started)} ms`);

  const { task_id } = await mcp.result<Task>("task_create", size);
  const leave = new AbortController();
  const script = "echo here; sleep 1000 & wait";
  const exec = mcp.call("task_exec", { task_id, command: script, timeout_seconds: 2000 }, { signal: leave.signal });
  await until("it has said something", async () => (await logs()).entries[0]?.stdout === "here\n");
  exec.catch(() => {});
  leave.abort();
  await assert.rejects(exec);
  await until("it has ended", async () => (await logs()).entries[0]?.state === "ended");
  assert.equal((await logs()).entries[0]?.aborted, true);
  const { stdout } = await mcp.result<{ stdout: string }>("task_exec", {
    task_id,
    command: "pgrep sleep || echo none",
  });
  assert.equal(stdout, "none\n");

  function logs(): Promise<Logs> {
    return mcp.result<Logs>("task_logs", { task_id });
  }
});

test("a background command continues when the server ends, and another server shows it", async () => {
  await using scratch = new VmScratch();
  const one = await connectStdio(scratch.env);
  const { task_id } = await one.result<Task>("task_create", size);
  const command = "while ! [ -e go ]; do sleep 0.1; done; echo done";
  await one.result("task_exec", { task_id, command, background: true, timeout_seconds: 600 });
  // Also a foreground command, whose client disappears without a word.
  const front = one.call("task_exec", { task_id, command, timeout_seconds: 600 });
  front.catch(() => {});
  await until("both run", async () => (await one.result<Task>("task_status", { task_id })).running_commands === 2);
  await one.client.close();

  await using other = await connectStdio(scratch.env);
  await other.result("task_exec", { task_id, command: "touch go" });
  for (const sequence of [1, 2]) {
    const end = await other.result<{ exit_code: number; stdout: string }>("task_exec_output", {
      task_id,
      sequence,
      wait_seconds: 30,
      wait_for: "end",
    });
    assert.deepEqual([end.exit_code, end.stdout], [0, "done\n"]);
  }
});

test("endless output, binary output and terminal codes do not exceed the budget", async () => {
  await using scratch = new VmScratch();
  await using mcp = await connectStdio(scratch.env);
  const command = String.raw`printf '{"jsonrpc":"2.0","id":1,"result":{}}\n\033[31m\377\376\n'; head -c 100000000 /dev/zero | tr '\0' x; printf end`;
  const result = await mcp.call(
    "vm_run",
    { ...size, command, timeout_seconds: 600 },
    { timeout: 600_000, onprogress: () => {} },
  );
  const { stdout, stdout_omitted_bytes } = result.structuredContent as { stdout: string; stdout_omitted_bytes: number };
  assert.ok(stdout.startsWith('{"jsonrpc":"2.0","id":1,"result":{}}\n\uFFFD\uFFFD\nxxx'));
  assert.ok(stdout.endsWith("xend"));
  assert.ok(stdout_omitted_bytes > 99_900_000);
  assert.ok(textOf(result).length < 34_000);
  assert.ok(JSON.stringify(result).length < 40_000);
  assert.equal((await mcp.result<{ exit_code: number }>("vm_run", { ...size, command: "true" })).exit_code, 0);
});

async function vmsOf(scratch: VmScratch): Promise<number> {
  const { stdout } = await scratch.pyro(["daemon", "status", "--json"]);
  return (JSON.parse(stdout) as { vms: number }).vms;
}
