import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf, Scratch } from "../../client/scratch.js";
import { HttpBridge } from "./http-bridge.js";

const conformance = fileURLToPath(
  new URL("../../../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);

/**
 * The suite's scenarios for any server. Its other scenarios call tools, resources and prompts that only its own example server has
 * (`test_simple_text` and the like), test capabilities that pyro does not declare (completions, subscriptions), or are about HTTP.
 */
const scenarios = ["server-initialize", "ping", "logging-set-level", "tools-list", "resources-list", "prompts-list"];

for (const scenario of scenarios) {
  test(`conformance: ${scenario}`, async (t) => {
    await using scratch = new Scratch();
    await using bridge = new HttpBridge(scratch);
    const args = [conformance, "server", "--url", await bridge.listen(), "--scenario", scenario];
    const child = spawn(process.execPath, args, { cwd: scratch.directory, env: process.env });
    child.stdin.end();
    const { status, stdout, stderr } = await endOf(child);
    assert.equal(status, 0, stdout + stderr);
    const [said, passed, asked] = /Passed: (\d+)\/(\d+), 0 failed/.exec(stdout) ?? [];
    t.diagnostic(said ?? stdout);
    assert.ok(Number(passed) > 0 && passed === asked, stdout);
  });
}
