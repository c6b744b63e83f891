import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { unzstdWith } from "../../../src/environments/image/zstd.js";
import { temporaryDirectory } from "../../store/scratch.js";

/** A program in place of zstd. */
function program(t: TestContext, script: string): string {
  const path = join(temporaryDirectory(t), "zstd");
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const piece of content) read.push(piece);
  return Buffer.concat(read).toString();
}

test("the program zstd gets all bytes of the stream, and its output is the content", async (t) => {
  assert.equal(await textOf(unzstdWith(program(t, "tr a-z A-Z"), pieces("one ", "two"))), "ONE TWO");
  assert.equal(
    await textOf(unzstdWith(program(t, 'cat >/dev/null; echo "$@"'), pieces("x"))),
    "--decompress --stdout --quiet --long=27\n",
  );
});

test("data that the program zstd refuses is corrupt, also when it ends before it has read all", async (t) => {
  const corrupt = { code: "ARCHIVE_CORRUPT", message: /zstd data/ };
  await assert.rejects(textOf(unzstdWith(program(t, "cat; exit 1"), pieces("x"))), corrupt);
  const long = Array<string>(100).fill("x".repeat(100_000));
  await assert.rejects(textOf(unzstdWith(program(t, "exit 1"), pieces(...long))), corrupt);
  await assert.rejects(textOf(unzstdWith(program(t, "kill -9 $$"), pieces("x"))), corrupt);
});

test("an error of the source is thrown, not called corrupt data", async (t) => {
  const broken = (async function* () {
    yield Buffer.from("x");
    throw new Error("the registry has closed the connection");
  })();
  await assert.rejects(textOf(unzstdWith(program(t, "cat; exit 1"), broken)), /closed the connection/);
});

test("a reader that stops ends the program", async (t) => {
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(65_536);
  })();
  for await (const piece of unzstdWith(program(t, "exec cat"), endless)) {
    assert.ok(piece.length > 0);
    break;
  }
});
