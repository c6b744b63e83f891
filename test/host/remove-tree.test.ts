import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { removeTree } from "../../src/host/remove-tree.js";
import { ScratchDirectory } from "../archive/trees.js";

/** Deeper than a path may be long, with names of any bytes, links out of it, and directories closed to their owner. */
const FILL = `
  chdir shift; my $outside = shift;
  for my $number (1 .. 20) { mkdir "wide$number"; open my $file, ">", "wide$number/f"; }
  symlink $outside, "link"; symlink $outside, "\\xff\\xfe"; open my $odd, ">", "line\\nend\\x80";
  for my $depth (1 .. 300) { mkdir "p" x 20; chdir "p" x 20 or die; symlink $outside, "link"; }
  chdir shift; mkdir "closed"; mkdir "closed/inner"; open my $file, ">", "closed/inner/f"; chmod 0, "closed/inner"; chmod 0, "closed";
`;

test("a tree that is too deep for a path is removed completely, and the targets of its links stay", async () => {
  using scratch = new ScratchDirectory();
  const outside = join(scratch.path, "kept");
  const tree = join(scratch.path, "tree");
  execFileSync("mkdir", [outside, tree]);
  writeFileSync(join(outside, "file"), "kept");
  execFileSync("perl", ["-e", FILL, tree, outside, tree]);
  await removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.deepEqual([readdirSync(outside), readFileSync(join(outside, "file"), "utf8")], [["file"], "kept"]);
  await removeTree(tree);
});
