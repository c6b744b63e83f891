import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { runInJail, whileInJail } from "../../src/backend/qemu/jailed-tool.js";
import type { Toolchain } from "../../src/backend/qemu/toolchain.js";
import { isAlive, readProcessIdentity } from "../../src/host/process.js";
import { until } from "../client/scratch.js";
import { temporaryDirectory } from "../store/scratch.js";
import { keeperPath } from "./keeper-path.js";

/** Each test waits for ever when a process is left. */
const limit = { timeout: 60_000 };

const LEAVING = `#!/bin/sh
setsid sleep 1000 &
echo $! >LEFT.new
mv LEFT.new LEFT
echo "{\\"child-pid\\": $!}" >&4
wait
`;

/** A toolchain whose bubblewrap leaves a process that holds its standard error, as one does that is killed while it makes the jail. */
function leavingToolchain(t: TestContext): { toolchain: Toolchain; readLeft: () => number } {
  const directory = temporaryDirectory(t);
  const [bwrap, left] = [join(directory, "bwrap"), join(directory, "left")];
  writeFileSync(bwrap, LEAVING.replaceAll("LEFT", left), { mode: 0o755 });
  const readLeft = () => {
    try {
      return Number(readFileSync(left, "utf8"));
    } catch {
      return 0;
    }
  };
  const jailer = { kind: "bubblewrap", path: bwrap, limitsTmp: false };
  const toolchain = { jailer, keeper: keeperPath, system: [], dropTo: null } as unknown as Toolchain;
  return { toolchain, readLeft };
}

test("a program in a jail: an abort ends all of its processes, also one that detached itself", limit, async (t) => {
  const { toolchain, readLeft } = leavingToolchain(t);
  const abort = new AbortController();
  const running = runInJail(toolchain, { devices: [], mounts: [] }, [], 60_000, abort.signal);
  await until("the process that would be left", () => readLeft() > 0);
  const identity = readProcessIdentity(readLeft());
  assert.ok(identity);
  t.after(() => isAlive(identity) && process.kill(identity.pid, "SIGKILL"));
  abort.abort();
  assert.equal(await running, null);
  assert.equal(isAlive(identity), false);
});

test("work beside a program in a jail: when the work ends, all processes of the program end", limit, async (t) => {
  const { toolchain, readLeft } = leavingToolchain(t);
  const identity = await whileInJail(toolchain, [], async () => {
    await until("the process that would be left", () => readLeft() > 0);
    return readProcessIdentity(readLeft());
  });
  assert.ok(identity);
  assert.equal(isAlive(identity), false);
});
