import assert from "node:assert/strict";
import { test } from "node:test";

import type { Handlers } from "../../../src/daemon/handlers.js";
import { Listening, resultOf } from "../../daemon/listening.js";
import { connectHere, textOf } from "./connect.js";

const LINE = "a line of output, with its end\n";
const OUTPUT = LINE.repeat(Math.ceil(25_000 / LINE.length));
const run = { environment: "debian:12", command: "cat file" };
const page = { task_id: "task-0123456789ab", sequence: 1 };

const counts = {
  next_stdout_offset: OUTPUT.length,
  next_stderr_offset: 0,
  stdout_bytes: OUTPUT.length,
  stderr_bytes: 0,
};
const more = { ...counts, ...page, error: null, state: "ended", complete: true, stdout: OUTPUT };
const others = {
  "task.exec_output": async () => ({ ...resultOf(0), ...more }),
} as unknown as Partial<Handlers>;

async function answersFor(clientName: string, env: NodeJS.ProcessEnv = {}) {
  await using daemon = new Listening(async () => ({ ...resultOf(3), stdout: OUTPUT, stderr: "err\n" }), { others });
  await using mcp = await connectHere({ clientName, env: { ...daemon.env, ...env } });
  const results = [await mcp.call("vm_run", run), await mcp.call("task_exec_output", page)];
  for (const result of results) assert.notEqual(result.isError, true, textOf(result));
  return results.map((result) => ({
    text: textOf(result),
    structured: result.structuredContent as { stdout: string; exit_code: number; stdout_truncated: boolean },
    bytes: Buffer.byteLength(JSON.stringify(result)),
  }));
}

const lines = (text: string) => text.split(LINE.trimEnd()).length - 1;
const ALL = lines(OUTPUT);

for (const name of ["gemini-cli-mcp-client", "claude-ai", "mcp", "test"]) {
  test(`25 KB of output are in the text alone for a client called ${name}`, async () => {
    for (const { text, structured, bytes } of await answersFor(name)) {
      assert.equal(lines(text), ALL);
      assert.ok(structured.stdout.startsWith(LINE) && structured.stdout.length < 2_500, structured.stdout);
      assert.notEqual(structured.stdout_truncated, true);
      assert.ok(bytes < 1.25 * OUTPUT.length, `${bytes} bytes`);
    }
  });
}

for (const name of ["claude-code", "codex-mcp-client", "cursor-vscode"]) {
  test(`25 KB of output are in the structured content alone for a client called ${name}`, async () => {
    for (const { text, structured, bytes } of await answersFor(name)) {
      assert.equal(structured.stdout, OUTPUT);
      assert.ok(text.includes(LINE) && text.length < 3_500, text);
      assert.ok(bytes < 1.25 * OUTPUT.length, `${bytes} bytes`);
    }
  });
}

test("PYRO_MCP_OUTPUT overrides the form, for unknown and known clients", async () => {
  const [structured] = await answersFor("test", { PYRO_MCP_OUTPUT: "structured" });
  assert.equal(structured!.structured.stdout, OUTPUT);
  const [text] = await answersFor("claude-code", { PYRO_MCP_OUTPUT: "text" });
  assert.equal(lines(text!.text), ALL);
  const [both] = await answersFor("test", { PYRO_MCP_OUTPUT: "both" });
  assert.deepEqual([lines(both!.text), both!.structured.stdout], [ALL, OUTPUT]);
});

test("a wrong PYRO_MCP_OUTPUT is refused with the variable's name", async () => {
  await using daemon = new Listening(async () => resultOf(0));
  await using mcp = await connectHere({ env: { ...daemon.env, PYRO_MCP_OUTPUT: "all" } });
  const { code, details } = await mcp.failure("vm_run", run);
  assert.deepEqual([code, details], ["INVALID_ARGUMENT", { variable: "PYRO_MCP_OUTPUT" }]);
});

test("short output is in both forms", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(0), stdout: "short\n" }));
  for (const clientName of ["claude-code", "test"]) {
    await using mcp = await connectHere({ clientName, env: daemon.env });
    const result = await mcp.call("vm_run", run);
    assert.match(textOf(result), /short/);
    assert.equal((result.structuredContent as { stdout: string }).stdout, "short\n");
  }
});
