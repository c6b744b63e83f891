import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { VmScratch } from "../../vm/vm-scratch.js";
import { connectStdio, textOf } from "./connect.js";

/** A deadline for calls whose duration is only that of a busy host. */
const patient = { timeout: 600_000 };
/** The time-out of an impatient client, shorter than the suite takes; each progress starts it again. */
const listening = (told: string[]) => ({
  timeout: 20_000,
  resetTimeoutOnProgress: true,
  onprogress: ({ message }: { message?: string | undefined }) => void told.push(message ?? ""),
});

/** A test suite of 24 s that fails until the program is right. */
const suite = `import time
from app import add
for second in range(4):
    print("case", second, flush=True)
    time.sleep(6)
assert add(2, 2) == 4, "2 + 2 is not 4"
print("all passed")
`;

interface Exec {
  readonly sequence: number;
  readonly exit_code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly complete: boolean;
  readonly next_stdout_offset: number;
  readonly next_stderr_offset: number;
}

test("a session: list, seed, run, fix, push, run, logs, delete, with a client that has a short time-out", async (t) => {
  await using scratch = new VmScratch();
  await using mcp = await connectStdio(scratch.env);
  const source = join(scratch.directory, "project");
  mkdirSync(source);
  writeFileSync(join(source, "app.py"), "def add(a, b):\n    return a - b\n");
  writeFileSync(join(source, "suite.py"), suite);

  const { environments } = await mcp.result<{ environments: { name: string }[] }>("vm_list_environments", {}, patient);
  assert.ok(environments.some(({ name }) => name === "debian:12"));

  const told: string[] = [];
  const created = await mcp.result<{ task_id: string; workspace_seed: { mode: string; entry_count: number } }>(
    "task_create",
    { environment: "debian:12", mem_mib: 256, source_path: source },
    listening(told),
  );
  const { task_id, workspace_seed: seed } = created;
  assert.deepEqual([seed.mode, seed.entry_count], ["directory", 2]);

  // With progress: one call of 24 s that reports progress every few seconds.
  told.length = 0;
  const run = { task_id, command: "python3 suite.py", timeout_seconds: 300 };
  const failed = await mcp.result<Exec>("task_exec", run, listening(told));
  assert.equal(failed.exit_code, 1);
  assert.match(failed.stderr, /2 \+ 2 is not 4/);
  assert.ok(told.length >= 4 && told.some((message) => message.includes("case 2")), told.join("\n"));
  t.diagnostic(`${told.length} signs of life, the last: ${told.at(-1)}`);

  writeFileSync(join(source, "app.py"), "def add(a, b):\n    return a + b\n");
  const pushed = await mcp.result<{ entry_count: number }>("task_sync_push", { task_id, source_path: source }, patient);
  assert.equal(pushed.entry_count, 2);

  // Without progress: in the background, read in parts; the calls return before the command ends.
  const started = await mcp.result<Exec>("task_exec", { ...run, background: true }, patient);
  let place = { stdout_offset: 0, stderr_offset: 0 };
  let stdout = "";
  let pages = 0;
  for (let isComplete = false; !isComplete;) {
    const input = { task_id, sequence: started.sequence, ...place, wait_seconds: 5, wait_for: "end" };
    const page = await mcp.result<Exec>("task_exec_output", input, patient);
    stdout += page.stdout;
    pages += 1;
    place = { stdout_offset: page.next_stdout_offset, stderr_offset: page.next_stderr_offset };
    isComplete = page.complete;
    if (isComplete) assert.equal(page.exit_code, 0);
  }
  assert.ok(pages > 1);
  assert.equal(stdout, "case 0\ncase 1\ncase 2\ncase 3\nall passed\n");

  const logs = await mcp.call("task_logs", { task_id }, patient);
  const { entries } = logs.structuredContent as { entries: Exec[] };
  assert.deepEqual(
    entries.map(({ exit_code }) => exit_code),
    [1, 0],
  );
  assert.match(textOf(logs), /all passed/);
  await mcp.result("task_delete", { task_id }, patient);
});
