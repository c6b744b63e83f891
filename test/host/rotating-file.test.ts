import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { openAppendingSync } from "../../src/host/files.js";
import { RotatingFile } from "../../src/host/rotating-file.js";

test("a file of lines is private, rotated before it is too large, and only the latest older files are kept", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "log");
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index} ${"x".repeat(90)}`);
  for (const line of lines) {
    // As after a restart: the size of what is there counts.
    const file = new RotatingFile(path, { maxBytes: 1_000, kept: 2 });
    file.append(line);
    file.close();
  }
  assert.deepEqual(readdirSync(directory).toSorted(), ["log", "log.1", "log.2"]);
  const read = (name: string) => readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean);
  const kept = ["log.2", "log.1", "log"].flatMap(read);
  assert.deepEqual(kept, lines.slice(-kept.length));
  assert.ok(kept.length >= 18, `${kept.length} lines are kept`);
  for (const name of readdirSync(directory)) {
    const { mode, size } = statSync(join(directory, name));
    assert.equal(mode & 0o777, 0o600);
    assert.ok(size <= 1_000, `${name} has ${size} bytes`);
  }
});

test("a file of lines: keeps its older files and all lines while no new file can be opened, and rotates afterwards", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "log");
  let canOpen = true;
  let attempts = 0;
  const open = (name: string) => {
    attempts += 1;
    if (!canOpen) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
    return openAppendingSync(name);
  };
  const file = new RotatingFile(path, { maxBytes: 1_000, kept: 2 }, { open, write: writeSync });
  t.after(() => file.close());
  const lines = Array.from({ length: 125 }, (_, index) => `line ${index} ${"x".repeat(20)}`);
  const kept = () =>
    ["log.2", "log.1", "log"]
      .filter((name) => readdirSync(directory).includes(name))
      .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean));
  for (const line of lines.slice(0, 100)) file.append(line);
  const attemptsBefore = attempts;
  assert.deepEqual(kept(), lines.slice(0, 100));
  canOpen = false;
  for (const line of lines.slice(100, 122)) file.append(line);
  assert.deepEqual(kept(), lines.slice(0, 122));
  assert.ok(attempts - attemptsBefore < 10, `${attempts - attemptsBefore} attempts`);
  canOpen = true;
  for (const line of lines.slice(122)) file.append(line);
  while (statSync(path).size > 1_000) file.append("more");
  assert.deepEqual(readdirSync(directory).toSorted(), ["log", "log.1", "log.2"]);
});

test("a file of lines: a line behind one that was written in part begins a line", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "log");
  let most = Infinity;
  const write = (file: number, data: Uint8Array) => writeSync(file, data.subarray(0, most));
  const file = new RotatingFile(path, { maxBytes: 1_000, kept: 2 }, { open: openAppendingSync, write });
  t.after(() => file.close());
  most = 3;
  file.append("first");
  most = Infinity;
  file.append("second");
  file.append("third");
  assert.equal(readFileSync(path, "utf8"), "fir\nsecond\nthird\n");
});
