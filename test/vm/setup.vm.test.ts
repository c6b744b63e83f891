import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { TaskScratch } from "../faults/task-scratch.js";

test("a setup runs in a VM once; later tasks start from it, with its processes and the present source", async () => {
  await using scratch = new TaskScratch();
  const project = join(scratch.directory, "project");
  mkdirSync(project);
  for (const name of ["lock", "old"]) writeFileSync(join(project, name), name);
  const setup = {
    setup:
      "cp lock made; (sleep 1000 >/dev/null 2>&1 & echo $! >/dev/shm/pid); cat /proc/sys/kernel/random/uuid >/root/run",
    setup_key: [join(project, "lock")],
    source_path: project,
  };
  const show = "cat /root/run; ls; test -e /proc/$(cat /dev/shm/pid)";
  const first = await scratch.create(setup);
  const { stdout: then, exit_code: alive } = await scratch.execHere(first, show);
  assert.deepEqual([then?.split("\n").slice(1), alive], [["lock", "made", "old", ""], 0]);
  await scratch.delete(first);

  rmSync(join(project, "old"));
  writeFileSync(join(project, "new"), "new");
  await scratch.killDaemon();
  const second = await scratch.create(setup);
  const { stdout: now } = await scratch.execHere(second, show);
  assert.deepEqual(now?.split("\n"), [then?.split("\n")[0], "lock", "made", "new", ""]);
  await scratch.delete(second);
  const path = join(scratch.home, "snapshots");
  assert.equal(readdirSync(path).length, 1);
  const { removed } = await scratch.client.call("env.prune", { dry_run: true });
  assert.ok(removed.some(({ kind }) => kind === "setup"));
  assert.ok(existsSync(path));
});
