import assert from "node:assert/strict";
import { test } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import { pax, raw, tar } from "./raw-tar.js";
import { file, hardlink, symlink } from "./specimen.js";
import { factsOfArchive } from "./trees.js";

/** Clears a terminal, sets its title, and in C1 the same again. */
const NASTY = "\x1b[2J\x1b]0;title\x07\u009b2J";
const SECRET = "root:$6$secret-of-a-file";

async function failureOf(archive: Buffer): Promise<string> {
  const error = await factsOfArchive(archive).then(
    () => assert.fail("it was read"),
    (thrown: PyroError) => thrown,
  );
  return `${error.message} ${Object.values(error.details).map(String).join(" ")}`;
}

test("bytes in the place of a header are not shown in the error, at the start or after an entry", async () => {
  const content = Buffer.alloc(1024, `${SECRET} ${NASTY}`);
  const first = await failureOf(content);
  const second = await failureOf(Buffer.concat([raw(file("before", "x")), content]));
  for (const text of [first, second]) {
    assert.doesNotMatch(text, /secret/);
    assert.doesNotMatch(text, /\p{Cc}/u);
  }
  assert.match(first, /first header/);
  assert.match(second, /^before: .* byte 1024/);
});

const nasty: readonly (readonly [what: string, archive: Buffer])[] = [
  ["an absolute name", tar(file(`/${NASTY}`))],
  ["a name that leaves the archive", tar(file(`../${NASTY}`))],
  ["a hard link to nothing", tar(hardlink(`h${NASTY}`, `no${NASTY}`))],
  ["a link that leaves the archive", tar(symlink(`l${NASTY}`, `../../${NASTY}`))],
  ["a name that is not UTF-8", tar({ ...file("x"), name: Buffer.from(`\xff${NASTY}`, "latin1") })],
  ["a device", tar({ ...file(`d${NASTY}`), type: "3" })],
  ["a damaged extended header", tar(pax({ path: `p${NASTY}`, size: NASTY }), file("x"))],
];

for (const [what, archive] of nasty) {
  test(`${what} with control characters: the error has none`, async () => {
    assert.doesNotMatch(await failureOf(archive), /\p{Cc}/u);
  });
}
