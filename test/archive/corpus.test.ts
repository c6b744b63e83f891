import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { specimens } from "./corpus.js";
import { type Facts, factsOfArchive, factsOfDirectory, ScratchDirectory } from "./trees.js";

for (const { name, bytes, refused, unlikeGnu } of specimens) {
  if (refused !== undefined) {
    test(`refused: ${name}`, async () => {
      const [code, entry] = refused;
      for (const pieceBytes of [undefined, 200]) {
        await assert.rejects(factsOfArchive(bytes, pieceBytes), (error: unknown) => {
          assert.ok(error instanceof PyroError, String(error));
          assert.equal(error.code, code, error.message);
          assert.equal(error.details["entry"] ?? null, entry);
          return true;
        });
      }
    });
  } else {
    test(`accepted: ${name}`, async () => {
      const facts = await factsOfArchive(bytes);
      assert.deepEqual(await factsOfArchive(bytes, 200), facts, "however the bytes are cut");
      if (unlikeGnu !== true) assertLikeGnu(bytes, facts);
    });
  }
}

test("the corpus has no specimen twice", () => {
  const names = specimens.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names);
  assert.ok(specimens.filter(({ refused }) => refused).length >= 60);
});

/** Directories without an entry have no time or mode of their own: those are not compared. */
function assertLikeGnu(bytes: Buffer, facts: Facts): void {
  using scratch = new ScratchDirectory();
  // Its own temporary directory, so that no other set-group-ID or umask has an effect.
  const { status, stderr } = spawnSync(
    "tar",
    ["-xpf", "-", "--no-same-owner", ...compression(bytes), "-C", scratch.path],
    {
      input: bytes,
      encoding: "utf8",
    },
  );
  assert.equal(status, 0, stderr);
  const extracted = factsOfDirectory(scratch.path);
  for (const [path, [type]] of Object.entries(extracted)) {
    if (type === "directory" && !(path in facts)) delete extracted[path];
  }
  assert.deepEqual(facts, extracted);
}

function compression(bytes: Buffer): string[] {
  return bytes[0] === 0x1f ? ["-z"] : [];
}
