import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { temporaryDirectory } from "../store/scratch.js";

const script = fileURLToPath(new URL("../../../scripts/group-tests.mjs", import.meta.url));

test("groups: every test runs once, also one that fails, and a file with hooks, or one that measures its process, runs alone", (t) => {
  const directory = temporaryDirectory(t);
  const write = (name: string, text: string) => {
    const file = join(directory, `${name}.test.mjs`);
    writeFileSync(file, `import { beforeEach, test } from "node:test";\n${text}\n`);
    return file;
  };
  const names = Array.from({ length: 20 }, (_, index) => `t${String(index).padStart(2, "0")}`);
  const plain = names.map((name) =>
    write(name, `test("${name}", () => { if ("${name}" === "t13") throw new Error(); });`),
  );
  const hooked = write("hooked", 'beforeEach(() => {});\ntest("hooked", () => {});');
  const measuring = write("measuring", 'test("measuring", () => void process.memoryUsage());');
  const groups = join(directory, "groups");
  mkdirSync(groups);
  writeFileSync(join(groups, "99.mjs"), "of an earlier run");

  const { stdout } = spawnSync(process.execPath, [script, groups, ...plain, hooked, measuring], { encoding: "utf8" });
  const runs = stdout.trim().split("\n");
  assert.deepEqual(runs, [...["01", "02", "03"].map((name) => join(groups, `${name}.mjs`)), hooked, measuring]);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap", ...runs], { encoding: "utf8", env });
  const results = Array.from(
    run.stdout.matchAll(/^(ok|not ok) \d+ - (\w+)$/gm),
    ([, result, name]) => `${name} ${result}`,
  );
  assert.deepEqual(results.toSorted(), [
    "hooked ok",
    "measuring ok",
    ...names.map((name) => `${name} ${name === "t13" ? "not ok" : "ok"}`),
  ]);
  assert.equal(run.status, 1);
});
