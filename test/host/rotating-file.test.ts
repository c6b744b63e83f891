import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

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
