import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf, pyroPath, Scratch } from "../../client/scratch.js";

/** The Inspector's CLI looks for its own package.json beside the directory it is started in. */
const entry = fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector-cli")).replace(/cli\.js$/, "index.js");

async function inspect(scratch: Scratch, ...args: string[]): Promise<unknown> {
  const command = [entry, process.execPath, pyroPath, "mcp", "serve", ...args];
  // It passes only some variables on; the test's variables reach the server with `env`.
  const child = spawn(process.execPath, command, { env: { ...process.env, ...scratch.env }, cwd: dirname(entry) });
  child.stdin.end();
  const { status, stdout, stderr } = await endOf(child);
  assert.equal(status, 0, stdout + stderr);
  return JSON.parse(stdout);
}

test("the Inspector's CLI lists tools, resources and prompts, and calls a tool", async () => {
  await using scratch = new Scratch();
  const { tools } = (await inspect(scratch, "--method", "tools/list")) as { tools: { name: string }[] };
  assert.ok(tools.some(({ name }) => name === "vm_run"));
  const { resources } = (await inspect(scratch, "--method", "resources/list")) as { resources: { uri: string }[] };
  assert.ok(resources.some(({ uri }) => uri === "pyro://tasks"));
  const { prompts } = (await inspect(scratch, "--method", "prompts/list")) as { prompts: { name: string }[] };
  assert.deepEqual(
    prompts.map(({ name }) => name),
    ["sandboxed-fix"],
  );
  const called = await inspect(scratch, "--method", "tools/call", "--tool-name", "vm_list_environments");
  const { structuredContent } = called as { structuredContent: { environments: { name: string }[] } };
  assert.ok(structuredContent.environments.some(({ name }) => name === "debian:12"));
});
