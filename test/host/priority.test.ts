import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { test } from "node:test";

import { setLowPriority } from "../../src/host/priority.js";
import { spawnDetached } from "../../src/host/spawn.js";

const sessionNice = (pid: number) => {
  try {
    return Number(readFileSync(`/proc/${pid}/autogroup`, "utf8").split(" nice ")[1]);
  } catch {
    return null;
  }
};

test("a session's priority is low, then normal again", async () => {
  const child = spawnDetached("/bin/sleep", ["60"]);
  const pid = child.pid!;
  const isRoot = process.geteuid?.() === 0;
  try {
    const hasGroups = sessionNice(pid) !== null;
    await setLowPriority(pid, true);
    if (hasGroups) assert.equal(sessionNice(pid), 10);
    if (isRoot) assert.equal(getPriority(pid), 10);
    await setLowPriority(pid, false);
    if (hasGroups) assert.equal(sessionNice(pid), 0);
    assert.equal(getPriority(pid), 0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("changing the priority of a process that has ended is not an error", async () => {
  await setLowPriority(0x3fff_fff0, true);
});
