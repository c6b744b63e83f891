import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { findOwnName } from "../../src/client/own-name.js";
import { ScratchDirectory } from "../archive/trees.js";

test("the name of this pyro in hints: its path, unless `pyro` in the PATH is this one", async () => {
  using scratch = new ScratchDirectory();
  const at = (...names: string[]) => join(scratch.path, ...names);
  for (const folder of ["bin", "elsewhere", "links"]) mkdirSync(at(folder));
  for (const folder of ["bin", "elsewhere"]) writeFileSync(at(folder, "pyro"), "");
  symlinkSync(at("bin", "pyro"), at("links", "pyro"));
  const nameIn = (PATH: string, cwd = scratch.path) => findOwnName(at("bin", "pyro"), { PATH }, cwd);
  assert.equal(await nameIn("/nonexistent"), "bin/pyro");
  assert.equal(await nameIn(at("elsewhere")), "bin/pyro");
  assert.equal(await nameIn("/nonexistent", at("bin")), "./pyro");
  assert.equal(await nameIn("/nonexistent", at("links")), at("bin", "pyro"));
  assert.equal(await nameIn(`/nonexistent:${at("bin")}`), "pyro");
  assert.equal(await nameIn(at("links")), "pyro");
});
