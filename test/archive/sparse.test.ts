import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { fc, inAll } from "../property.js";
import { factsOfArchive, factsOfDirectory, ScratchDirectory } from "./trees.js";

/** Every way in which GNU tar stores a sparse file. */
const FORMATS = [
  ["--format=gnu"],
  ["--format=oldgnu"],
  ["--format=posix", "--sparse-version=0.0"],
  ["--format=posix", "--sparse-version=0.1"],
  ["--format=posix", "--sparse-version=1.0"],
] as const;

interface Shape {
  readonly sizeBytes: number;
  readonly data: readonly { readonly at: number; readonly bytes: number }[];
}

function plantSparse(path: string, { sizeBytes, data }: Shape): void {
  rmSync(path, { force: true });
  const file = openSync(path, "w");
  for (const { at, bytes } of data) writeSync(file, Buffer.alloc(bytes, "x"), 0, bytes, at);
  ftruncateSync(file, sizeBytes);
  closeSync(file);
}

function archive(directory: string, options: readonly string[]): Buffer {
  const args = ["-c", "-S", ...options, "-C", directory, "f", "g"];
  const { status, stdout, stderr } = spawnSync("tar", args, { maxBuffer: 1 << 28 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

/** Reads an archive of GNU tar, and compares it with the archived files. */
async function assertReads(shape: Shape): Promise<void> {
  using scratch = new ScratchDirectory();
  plantSparse(join(scratch.path, "f"), shape);
  // The file after it is only found if the sparse file ended at the right place.
  plantSparse(join(scratch.path, "g"), { sizeBytes: 700, data: [{ at: 0, bytes: 700 }] });
  const expected = factsOfDirectory(scratch.path);
  for (const format of FORMATS) {
    for (const detection of ["seek", "raw"]) {
      const options = [...format, `--hole-detection=${detection}`];
      const bytes = archive(scratch.path, options);
      const facts = await factsOfArchive(bytes, 1_000);
      const isExact = format[0] === "--format=posix";
      const name = `${options.join(" ")} ${JSON.stringify(shape)}`;
      assert.deepEqual(withoutFractions(facts, isExact), withoutFractions(expected, isExact), name);
    }
  }
}

/** The older formats have whole seconds only. */
function withoutFractions(facts: Record<string, readonly unknown[]>, isExact: boolean) {
  const cut = (ns: unknown) => (isExact ? ns : `${BigInt(String(ns)) / 1_000_000_000n}`);
  return Object.fromEntries(
    Object.entries(facts).map(([path, [type, mode, ns, digest]]) => [path, [type, mode, cut(ns), digest]]),
  );
}

test("a sparse file whose last data does not end on a block is read, in every format of GNU tar", () =>
  assertReads({ sizeBytes: 100_000, data: [{ at: 99_999, bytes: 1 }] }));

test("a file with more pieces than a header holds is read, in every format of GNU tar", () =>
  assertReads({
    sizeBytes: 3_000_001,
    data: Array.from({ length: 60 }, (_, number) => ({ at: number * 40_960, bytes: 1 + number * 7 })),
  }));

test("sparse files of any shape, stored by GNU tar, are read unchanged", async () => {
  const piece = fc.record({ at: fc.nat(400_000), bytes: fc.integer({ min: 1, max: 9_000 }) });
  const shape = fc.record({ sizeBytes: fc.nat(500_000), data: fc.array(piece, { maxLength: 8 }) });
  await fc.assert(fc.asyncProperty(shape, assertReads), { numRuns: inAll(25) });
});
