import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { readContract } from "../../../src/contract/rendered.js";
import { buildCommands } from "../../../src/doors/cli/commands.js";
import { renderCompletion } from "../../../src/doors/cli/completion.js";

const commands = buildCommands(readContract());
const bashScript = renderCompletion(commands, "bash");

/** What bash offers at the end of a line. */
function complete(line: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  const pyro = join(directory, "pyro");
  writeFileSync(
    pyro,
    "#!/bin/sh\nprintf 'Catalog version: 1\\ndebian:12 [installed] x\\ndebian:13 [installed] y\\n'\n",
  );
  chmodSync(pyro, 0o755);
  const script = `${bashScript}\nCOMP_LINE=$1; COMP_POINT=\${#1}; _pyro; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${directory}:${process.env["PATH"]}` };
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", line], { encoding: "utf8", env });
  rmSync(directory, { recursive: true });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash completes commands, flags and environments", () => {
  assert.deepEqual(complete("pyro ru"), ["run"]);
  assert.ok(complete("pyro ").includes("doctor"));
  assert.deepEqual(complete("pyro env pu"), ["pull"]);
  assert.deepEqual(complete("pyro run --mem"), ["--mem-mib"]);
  assert.deepEqual(complete("pyro run deb"), ["debian:12", "debian:13"]);
  assert.deepEqual(complete("pyro run debian:1"), ["12", "13"]);
  assert.deepEqual(complete("pyro run debian:12 -- l"), []);
  assert.deepEqual(complete("pyro completion z"), ["zsh"]);
});

test("the scripts are what their shells can read", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = renderCompletion(commands, shell);
    for (const { words } of commands) assert.ok(script.includes(words.at(-1) ?? ""), `${shell}: ${words.join(" ")}`);
    const directory = mkdtempSync(join(tmpdir(), "pt-"));
    writeFileSync(join(directory, "script"), script);
    const parsed = spawnSync(shell, ["-n", join(directory, "script")], { encoding: "utf8" });
    rmSync(directory, { recursive: true });
    assert.equal(parsed.status, 0, parsed.stderr);
  }
});

test("an unknown shell is refused", () => {
  assert.throws(() => renderCompletion(commands, "csh"), { code: "INVALID_ARGUMENT" });
});
