import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { newDraftName, newTemporaryName, sweepDrafts, sweepTemporaries } from "../../src/host/temporary.js";
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

test("drafts: the draft of a killed process is removed; a draft of another host stays until a day has passed without a write", async () => {
  using scratch = new ScratchDirectory();
  const dead = spawnSync("true").pid;
  const mine = newDraftName();
  const killed = mine.replace(/^tmp-\d+\.\d+/, `tmp-${dead}.1`);
  const foreign = killed.replace(/-[0-9a-f]{8}-/, "-00000000-");
  const abandoned = killed.replace(/-[0-9a-f]{8}-/, "-00000001-");
  const kept = [mine, foreign, `tmp-${dead}.1-notes`, "report.tar"];
  for (const name of [...kept, killed, abandoned]) writeFileSync(join(scratch.path, name), "");
  utimesSync(join(scratch.path, abandoned), new Date(), new Date(Date.now() - 2 * 86_400_000));
  await sweepDrafts(scratch.path);
  assert.deepEqual(readdirSync(scratch.path).toSorted(), kept.toSorted());
});
