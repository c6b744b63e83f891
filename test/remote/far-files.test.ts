import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import { fetchFile, placeFile } from "../../src/client/transport/far-files.js";
import { Scratch, until } from "../client/scratch.js";
import { temporaryDirectory } from "../store/scratch.js";
import { makePlace } from "./far-place.js";

/** A machine whose files are in a directory; `receive` and `send` are its shell commands for the path `$3`. */
function makeFar(directory: string, { receive = 'cat >"$3"', send = 'cat "$3"' } = {}) {
  const incoming = join(directory, "incoming");
  mkdirSync(incoming);
  const script = `case $2 in
place) echo ${incoming}/a.tar ;;
receive) ${receive} ;;
send) ${send} ;;
drop) rm -f "$3" ;;
esac`;
  return { place: makePlace(directory, script), incoming };
}

test("a copy that fails leaves nothing on the other machine", async (t) => {
  const directory = temporaryDirectory(t);
  const { place, incoming } = makeFar(directory, { receive: 'head -c 3 >"$3"; exit 1' });
  const file = join(directory, "environment.tar");
  writeFileSync(file, "content");
  const copied = placeFile(place, "env.import", { file });
  await assert.rejects(copied, (error: PyroError) => error.code === "HOST_NOT_ABLE");
  assert.deepEqual(readdirSync(incoming), []);
});

test("a copy that is cancelled ends, and leaves nothing on the other machine", async (t) => {
  const directory = temporaryDirectory(t);
  const { place, incoming } = makeFar(directory, { receive: 'echo part >"$3"; exec sleep 60' });
  const file = join(directory, "environment.tar");
  writeFileSync(file, "content");
  const cancelling = new AbortController();
  const copied = placeFile(place, "env.import", { file }, cancelling.signal);
  void until("a part has arrived", () => existsSync(join(incoming, "a.tar"))).then(() => cancelling.abort());
  await assert.rejects(copied, (error: PyroError) => error.code === "ABORTED");
  assert.deepEqual(readdirSync(incoming), []);
});

test("an exported file gets its name only when all of it has arrived", async (t) => {
  for (const [send, code] of [
    ['head -c 3 "$3"', "HOST_NOT_ABLE"],
    ['cat "$3"; exit 1', "HOST_NOT_ABLE"],
    ['touch "$(dirname "$3")/../output.tar"; cat "$3"', "FILE_EXISTS"],
  ] as const) {
    const directory = temporaryDirectory(t);
    const { place, incoming } = makeFar(directory, { send });
    const there = join(incoming, "a.tar");
    writeFileSync(there, "content");
    const output = join(directory, "output.tar");
    const fetched = fetchFile(place, "env.export", { output }, { output: there, size_bytes: 7 });
    await assert.rejects(fetched, (error: PyroError) => error.code === code);
    assert.equal(existsSync(output), code === "FILE_EXISTS", send);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith("tmp-")),
      [],
    );
  }
});

test("an export that has arrived is whole, and of this user alone", async (t) => {
  const directory = temporaryDirectory(t);
  const { place, incoming } = makeFar(directory);
  const there = join(incoming, "a.tar");
  writeFileSync(there, "content");
  const output = join(directory, "output.tar");
  const result = await fetchFile(place, "env.export", { output }, { output: there, size_bytes: 7 });
  assert.deepEqual(result, { output, size_bytes: 7 });
  assert.equal(readFileSync(output, "utf8"), "content");
});

test("files that a lost client left are removed with the next one", async () => {
  await using scratch = new Scratch();
  const incoming = join(scratch.home, "incoming");
  await scratch.pyro(["__file", "place", "-"]);
  for (const name of ["old.tar", "new.tar"]) writeFileSync(join(incoming, name), "");
  const dayAndMore = Date.now() / 1_000 - 90_000;
  utimesSync(join(incoming, "old.tar"), dayAndMore, dayAndMore);
  await scratch.pyro(["__file", "place", "-"]);
  assert.deepEqual(readdirSync(incoming), ["new.tar"]);
});
