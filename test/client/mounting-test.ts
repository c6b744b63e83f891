import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf } from "./scratch.js";

/**
 * A test that mounts file systems. It never skips: for an ordinary user it starts again as root of a user namespace. Where the host
 * allows none, it fails and says what to do.
 */
export function mountingTest(fileUrl: string, name: string, body: (context: TestContext) => unknown): void {
  const isRoot = process.getuid?.() === 0;
  test(name, async (context) => void (isRoot ? await body(context) : await runAsNamespaceRoot(fileUrl, name)));
}

async function runAsNamespaceRoot(fileUrl: string, name: string): Promise<void> {
  const pattern = `^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  const words = [process.execPath, "--test-name-pattern", pattern, fileURLToPath(fileUrl)];
  // With the variable, the inner run would report to the outer runner in the runners' own format.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = await endOf(spawn("unshare", ["--map-root-user", "--mount", ...words], { env }));
  assert.equal(
    status,
    0,
    `run it as root, or allow user namespaces (sysctl user.max_user_namespaces=15000)\n${stdout}${stderr}`,
  );
  assert.match(stdout, /^# pass 1$|^ℹ pass 1$/m);
}
