import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf, pyroPath, type Ended } from "../client/scratch.js";
import { python } from "../python/run.js";
import { VmScratch } from "../vm/vm-scratch.js";

const sources = fileURLToPath(new URL("../../../examples/", import.meta.url));
const built = fileURLToPath(new URL("../../examples/typescript/", import.meta.url));
/** `seq 1 1000 | sha256sum` */
const NUMBERS = "67d4ff71d43921d5739f387da09746f405e425b07d727e4c69d029461d1f051f  -";

let scratch: VmScratch;
let source: string;
before(() => {
  scratch = new VmScratch();
  source = join(scratch.directory, "source");
  mkdirSync(join(source, "inner"), { recursive: true });
  writeFileSync(join(source, "inner", "file"), "hello\n");
  mkdirSync(join(source, "node_modules"));
});
after(() => scratch[Symbol.asyncDispose]());

/** The output of each example, in either language. */
const expected: Readonly<Record<string, RegExp>> = {
  "one-shot": /^git version 2\.[\d.]+\n$/,
  "seeded-task": /^seeded with 2 entries, 6 bytes\nfiles in it: 1\npushed 2 entries to \/workspace\/again\n$/,
  "parallel-tasks": /^first on (\S+)\nsecond on (?!\1\n)(\S+)\nthird on (?!\1\n|\2\n)\S+\n$/,
  streaming: new RegExp(`^stdout: 1\nstdout: 2\nstdout: 3\nstderr: done\n${NUMBERS}\n$`),
  cancel: /aborted=true stdout=begun\n[^]*timed_?out=true aborted=false\n$/i,
};

function runTypeScript(name: string): Promise<Ended> {
  return endOf(spawn(process.execPath, [`${built}${name}.js`, source], { env: { ...process.env, ...scratch.env } }));
}

function runPython(name: string): Promise<Ended> {
  const path = `${sources}python/${name.replaceAll("-", "_")}.py`;
  return python([path, source], { ...scratch.env, PYRO_EXECUTABLE: pyroPath });
}

for (const [name, pattern] of Object.entries(expected)) {
  for (const [language, run] of [
    ["TypeScript", runTypeScript],
    ["Python", runPython],
  ] as const) {
    test(`${name} in ${language}`, async () => {
      const { status, stdout, stderr } = await run(name);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, pattern);
      assert.deepEqual(scratch.taskIds(), []);
    });
  }
}

test("every example program is run by a test", () => {
  const names = (folder: string, suffix: string) =>
    readdirSync(`${sources}${folder}`).map((file) => file.replace(suffix, "").replaceAll("_", "-"));
  assert.deepEqual(names("typescript", ".ts").toSorted(), Object.keys(expected).toSorted());
  assert.deepEqual(names("python", ".py").toSorted(), Object.keys(expected).toSorted());
});
