import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { newTemporaryName, sweepTemporaries } from "../../src/host/temporary.js";
import { ScratchDirectory } from "../archive/trees.js";

test("unfinished files of a dead daemon are removed; those of a running daemon and finished ones stay", async () => {
  using scratch = new ScratchDirectory();
  const dead = spawnSync("true").pid;
  const mine = newTemporaryName();
  const kept = [mine, "0123456789abcdef"];
  const swept = [`tmp-${dead}.1-00`, `tmp-${process.pid}.1-00`, "tmp-0123456789ab"];
  for (const name of [...kept, ...swept]) mkdirSync(join(scratch.path, name, "inner"), { recursive: true });
  await sweepTemporaries(scratch.path);
  assert.deepEqual(readdirSync(scratch.path).toSorted(), kept.toSorted());
});
