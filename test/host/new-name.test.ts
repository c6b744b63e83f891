import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { publishDraft } from "../../src/host/new-name.js";
import { ScratchDirectory } from "../archive/trees.js";

const failWith = (code: string) => async () => {
  throw Object.assign(new Error(code), { code });
};

test("a draft never replaces a file, and gets its name also where there are no hard links", async () => {
  using scratch = new ScratchDirectory();
  const [draft, path] = [join(scratch.path, "draft"), join(scratch.path, "web.tar")];
  writeFileSync(draft, "new");
  writeFileSync(path, "old");
  assert.equal(await publishDraft(draft, path), false);
  assert.equal(await publishDraft(draft, path, failWith("EPERM")), false);
  assert.equal(readFileSync(path, "utf8"), "old");
  for (const makeLink of [undefined, failWith("EPERM")]) {
    const fresh = join(scratch.path, `fresh-${makeLink === undefined}`);
    assert.equal(await publishDraft(draft, fresh, makeLink), true);
    assert.equal(readFileSync(fresh, "utf8"), "new");
  }
  assert.equal(existsSync(draft), false, "without a link it is moved");
  writeFileSync(draft, "new");
  await assert.rejects(publishDraft(draft, join(scratch.path, "x"), failWith("ENOSPC")), { code: "ENOSPC" });
});
