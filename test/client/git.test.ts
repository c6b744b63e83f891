import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { packSource } from "../../src/client/pack/pack.js";
import { ScratchDirectory } from "../archive/trees.js";
import { layOutRepositories } from "./repositories.js";

/** The warnings of a push of each of the directories, by name. */
async function warningsOf(scratch: string, name: string, exclude: readonly string[] = []): Promise<readonly string[]> {
  return (await packSource(join(scratch, name), { exclude })).report().warnings;
}

test("a worktree, a submodule and a clone that borrows objects are named when pushed alone", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const data = {
    worktree: join(scratch.path, "main/.git/worktrees/worktree"),
    "super/sub": "../.git/modules/sub",
    shared: join(scratch.path, "main/.git/objects"),
    separate: join(scratch.path, "separate-data"),
    linked: "../main/.git",
  };
  for (const [name, target] of Object.entries(data)) {
    const [warning = "", ...more] = await warningsOf(scratch.path, name);
    assert.ok(warning.includes(`.git (${target})`), `${name}: ${warning}`);
    assert.match(warning, /git clone/);
    assert.deepEqual(more, []);
    assert.deepEqual(await warningsOf(scratch.path, name, [".git"]), []);
  }
});

test("a repository whose data is sent with it needs no warning, with submodules too", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  for (const name of ["main", "super"]) assert.deepEqual(await warningsOf(scratch.path, name), [], name);
  assert.match((await warningsOf(scratch.path, "super", ["/.git"])).join(), /sub\/\.git/);
});

test("a worktree within its repository needs its repair in the guest", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const [warning = "", ...more] = await warningsOf(scratch.path, "outer");
  assert.match(warning, /git worktree repair.*: trees\/inner\./);
  assert.deepEqual(more, []);
});
