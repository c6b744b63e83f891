import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { endOf } from "../client/scratch.js";
import { pythonPath } from "../python/run.js";
import { makeFakeSsh } from "../remote/fake-ssh.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { commandsOf, root, snippets, snippetsIn, type Snippet } from "./snippets.js";

/** Shell snippets that are not run here, each with the reason. */
const notRun: readonly [text: string, why: string][] = [
  ["make demo", "builds this checkout, and runs all tests"],
  ["make check", "runs all tests"],
  ["make setup", "test/examples runs the programs; this line builds the checkout"],
  ["apt-get install", "changes the host"],
  ["npm install", "test/package installs the package"],
  ["pyro completion fish", "test/doors/cli/completion.slow.test.ts runs the shells"],
  ["debian:12-build", "needs another environment, which takes minutes to build"],
  ["demo -t -- bash", "needs a terminal; test/doors/cli has one"],
  ["pyro task shell demo", "needs a terminal; test/doors/cli has one"],
  ["docker-archive:image.tar", "needs Docker and an image; test/environments/image pulls those that it makes"],
  ["python:3.12", "needs Docker Hub; test/environments/registry pulls from registries of its own"],
  ["ssh://me@box.example", "needs another machine; test/remote has two homes"],
  ["pyro e2b serve", "serves until a signal; test/doors/e2b runs programs against it"],
  ["--network", "needs the Internet; test/network has a world of its own"],
];
const ELSEWHERE = /^docs\/http\.md$/;
/** The page whose programs need a framework and a model; `make test-plugins` drives the same plug-ins with scripted models. */
const FRAMEWORKS = /^docs\/plugins\.md$/;

const isRun = ({ text, page }: Snippet) => !ELSEWHERE.test(page) && !notRun.some(([part]) => text.includes(part));

let scratch: VmScratch;
let project: string;
/** The task that pages call `$TASK`. */
const TASK = "kept";
before(async () => {
  scratch = new VmScratch();
  project = join(scratch.directory, "project");
  mkdirSync(join(project, "src"), { recursive: true });
  mkdirSync(join(project, "app"));
  writeFileSync(join(project, "src", "main.c"), "int main(void) { return 0; }\n");
  writeFileSync(join(project, "src", "data"), "x".repeat(100_000));
  for (const place of ["Makefile", "app/Makefile"]) writeFileSync(join(project, place), "test:\n\t@echo tested\n");
  writeFileSync(join(project, "list"), "/etc/hostname\n");
  symlinkSync(join(root, "bin"), join(project, "bin"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(root, join(project, "node_modules", "pyro-mcp"));
  // The context of docs/remote.md leads back to this home.
  scratch.env["PYRO_SSH"] = makeFakeSsh(scratch.directory);
  await shell(`pyro context add box ssh://box --home ${scratch.home} --pyro ${join(root, "bin", "pyro")}`);
  const { status, stderr } = await shell(`pyro task create debian:12 --name ${TASK}`);
  assert.equal(status, 0, stderr);
});
after(() => scratch[Symbol.asyncDispose]());

function shell(script: string, env: NodeJS.ProcessEnv = {}) {
  const PATH = `${join(root, "bin")}:${process.env["PATH"]}`;
  const child = spawn("bash", ["--norc", "-u", "-c", script], {
    cwd: project,
    env: { ...scratch.env, HOME: scratch.directory, PATH, ...env },
  });
  // Standard input has no script, since the first command would read it.
  child.stdin.end();
  return endOf(child);
}

/** Text that differs from run to run: numbers, ids, times, the accelerator. */
const steady = (text: string) =>
  text
    .split("\n")
    .map((line) => line.replaceAll(/task-[0-9a-f]{12}/g, "ID").replaceAll(/kvm|tcg/g, "ACCEL"))
    .map((line) =>
      line
        .replaceAll(/\d[\d.,:TZ-]*(?:[smhdMGK]\b)?/g, "N")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "" && !line.startsWith("hint: "))
    .toSorted();

test("each shell snippet is run here, or the list has the reason why not", () => {
  const blocks = snippetsIn("sh", "console");
  for (const [text, why] of notRun)
    assert.ok(
      blocks.some((block) => block.text.includes(text)),
      `${text}: ${why}`,
    );
  assert.ok(blocks.filter(isRun).length >= 6);
});

for (const snippet of snippets.filter(({ language }) => language === "console").filter(isRun)) {
  test(`${snippet.place} prints the output on the page`, async () => {
    const outputs = snippet.text.split("\n").filter((line) => !line.startsWith("$ "));
    const { stdout, stderr } = await shell(commandsOf(snippet));
    const shown = steady(outputs.join("\n"));
    const printed = steady(stdout + stderr);
    // A command whose output the page leaves out must not fail either.
    assert.deepEqual(
      printed.filter((line) => line.startsWith("pyro: ") && !shown.includes(line)),
      [],
      stdout + stderr,
    );
    assert.deepEqual(
      shown.filter((line) => !printed.includes(line)),
      [],
      stdout + stderr,
    );
  });
}

for (const snippet of snippets.filter(({ language }) => language === "sh").filter(isRun)) {
  test(`${snippet.place} runs`, async () => {
    const { status, stdout, stderr } = await shell(`set -e\n${commandsOf(snippet)}`, {
      ...{ TASK, API_TOKEN: "x", CODEX_HOME: scratch.directory, CLAUDE_CONFIG_DIR: scratch.directory },
    });
    assert.equal(status, 0, stdout + stderr);
  });
}

for (const snippet of snippetsIn("python").filter(({ page }) => !FRAMEWORKS.test(page))) {
  test(`${snippet.place} runs`, async () => {
    const path = join(project, "snippet.py");
    writeFileSync(path, snippet.text);
    const { status, stderr } = await shell("python3 snippet.py", {
      PYTHONPATH: pythonPath,
      PYTHONDONTWRITEBYTECODE: "1",
    });
    assert.equal(status, 0, stderr);
  });
}

for (const snippet of snippetsIn("ts").filter(({ text }) => text.includes("pyro-mcp"))) {
  test(`${snippet.place} runs`, async () => {
    // Removes TypeScript's types; `await using` needs a newer Node.js than the oldest that is tested.
    const script = snippet.text.replaceAll(/: Promise<void>/g, "").replaceAll("await using task", "const task");
    writeFileSync(join(project, "snippet.mjs"), script);
    const { status, stderr } = await shell(`${process.execPath} snippet.mjs`);
    assert.equal(status, 0, stderr);
  });
}
