import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { McpProfile } from "../../../src/contract/operation.js";
import { AgentMachines } from "../../core/agent-machines.js";
import { openTasks } from "../../core/open-tasks.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { connectHere, textOf } from "./connect.js";

/** A task without a VM, a client of an MCP server, and a directory that the task and the test share. */
async function open(t: TestContext, profile: McpProfile = "standard") {
  const machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  const { taskId: task_id } = await pyro.createTask("debian:12");
  const mcp = await connectHere({ env: daemon.env, profile });
  const directory = mkdtempSync(join(tmpdir(), "pyro-mcp-files-"));
  t.after(async () => {
    await mcp[Symbol.asyncDispose]();
    await pyro.deleteTask(task_id);
    await daemon[Symbol.asyncDispose]();
    await machines[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  const call = (name: string, path: string, input: object = {}) =>
    mcp.call(name, { task_id, path: join(directory, path), ...input });
  return { mcp, call, at: (name: string) => join(directory, name), task_id };
}

test("file tools: a file is written, read with line numbers and edited, and the answers are text", async (t) => {
  const { call, at } = await open(t);
  await call("task_file_write", "main.py", { content: "def f():\n    return 1\n" });
  const read = await call("task_file_read", "main.py");
  assert.deepEqual([textOf(read), read.structuredContent], ["1\tdef f():\n2\t    return 1", undefined]);
  const edited = await call("task_file_edit", "main.py", { old: "return 1", new: "return 2" });
  assert.equal(textOf(edited), "Replaced 1.\n1\tdef f():\n2\t    return 2");
  assert.equal(readFileSync(at("main.py"), "utf8"), "def f():\n    return 2\n");
  assert.match(textOf(await call("task_file_list", "")), /^main\.py \(22 bytes\)$/);
});

test("task_file_read: a long file comes in parts, control characters included", async (t) => {
  const { call, at } = await open(t);
  writeFileSync(at("f"), "\u001b[1mone\r\ntwo\nthree\n");
  assert.equal(
    textOf(await call("task_file_read", "f", { limit: 1 })),
    "1\t\u001b[1mone\r\n[There are more lines: go on with offset 2.]",
  );
  assert.equal(textOf(await call("task_file_read", "f", { offset: 2 })), "2\ttwo\n3\tthree");
});

test("task_file_read: an image file is returned as image content", async (t) => {
  const { call, at } = await open(t);
  const bytes = Buffer.from("89504e470d0a1a0a00000000", "hex");
  writeFileSync(at("shot.png"), bytes);
  const { content } = await call("task_file_read", "shot.png");
  assert.deepEqual(content, [{ type: "image", data: bytes.toString("base64"), mimeType: "image/png" }]);
});

test("task_file_edit: an old text that occurs twice is an error with its code and the count", async (t) => {
  const { mcp, at, task_id } = await open(t);
  writeFileSync(at("f"), "x x");
  const { code, details, hint } = await mcp.failure("task_file_edit", { task_id, path: at("f"), old: "x", new: "y" });
  assert.deepEqual([code, details["found"]], ["FILE_EDIT_MISMATCH", 2]);
  assert.doesNotMatch(hint, /pyro |--/);
});

test("profiles: a tool outside the server's profile is refused, and the error names the profile that has it", async (t) => {
  const { mcp, call, at } = await open(t, "core");
  const { tools } = await mcp.client.listTools();
  assert.ok(tools.some(({ name }) => name === "task_file_edit"));
  assert.ok(!tools.some(({ name }) => name === "task_file_move"));
  const refused = await call("task_file_move", "f", { to: at("g") });
  assert.ok(refused.isError);
  assert.match(textOf(refused), /--profile full|profile full/);
});
