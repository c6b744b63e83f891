import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { VmScratch } from "../vm/vm-scratch.js";
import { openCli } from "./cli.js";
import { openMcp } from "./mcp.js";
import { openPython } from "./python.js";
import type { Input, Request, Runner } from "./runner.js";
import { openTypeScript } from "./typescript.js";

const files: Readonly<Record<string, string>> = {
  "README.md": "# Calculator\n\nRun `python3 suite.py`.\n",
  "calc/__init__.py": "",
  "calc/add.py": 'def add(a, b):\n    """The sum."""\n    return a + b\n',
  "suite.py": 'from calc.add import add\n\nassert add(2, 3) == 5, "2 + 3 is not 5"\nprint("all passed")\n',
  ".gitignore": "__pycache__/\n",
};
const RIGHT = "return a + b";
const WRONG = "return a - b";

let scratch: VmScratch;
let task: string;
let project: string;
before(async () => {
  scratch = new VmScratch();
  project = join(scratch.directory, "project");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(project, path, ".."), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "first");
  const created = await scratch.pyro(["task", "create", "debian:12", "--source-path", project, "--json"]);
  assert.equal(created.status, 0, created.stdout + created.stderr);
  ({ task_id: task } = JSON.parse(created.stdout) as { task_id: string });
});
after(() => scratch[Symbol.asyncDispose]());

function git(...words: string[]): string {
  const who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  return execFileSync("git", [...who, ...words], { cwd: project, encoding: "utf8", env });
}

async function resultOf(runner: Runner, operation: Request["operation"], input: Input): Promise<Input> {
  const answer = await runner.call({ operation, input: { task_id: task, ...input } });
  assert.ok(!("error" in answer), JSON.stringify(answer));
  return answer.result;
}

/** The CLI has no `edit`: its users have an editor. */
async function edit(runner: Runner, old: string, text: string): Promise<void> {
  const input = { path: "calc/add.py", old, new: text };
  const request = { operation: "task.file.edit", input: { task_id: task, ...input } } as const;
  if (runner.offers(request) || runner.name === "MCP") await resultOf(runner, "task.file.edit", input);
  else assert.equal((await run(runner, ["sed", "-i", `s/${old}/${text}/`, "calc/add.py"]))["exit_code"], 0);
}

const run = (runner: Runner, command: string[]) => resultOf(runner, "task.exec", { command });

for (const open of [openCli, openTypeScript, openPython, openMcp]) {
  const title = "a project is tested, broken, fixed and pulled, and git shows the same patch as the task's diff";
  test(`${open.name.slice("open".length)}: ${title}`, async () => {
    await using runner = open({ home: scratch.home, env: { ...process.env, ...scratch.env } });
    const suite = () => run(runner, ["python3", "-B", "suite.py"]);
    assert.equal((await suite())["stdout"], "all passed\n");
    await edit(runner, RIGHT, WRONG);
    const broken = await suite();
    assert.equal(broken["exit_code"], 1);
    assert.match(String(broken["stderr"]), /2 \+ 3 is not 5/);
    await edit(runner, WRONG, `${RIGHT} # ${runner.name}`);
    await run(runner, ["sh", "-c", `printf 'Checked over ${runner.name}.\\n' >${runner.name}.md`]);
    assert.equal((await suite())["exit_code"], 0);
    const { patch, file_count } = await resultOf(runner, "task.diff", {});
    assert.equal(file_count, 2);
    const pull = async () => {
      const { written_count: written, conflicts } = await resultOf(runner, "task.sync.pull", {});
      assert.deepEqual([written, conflicts], [2, []]);
    };
    await pull();
    // A model has no undo.
    if (open !== openMcp) {
      assert.equal((await resultOf(runner, "task.sync.undo", {}))["restored_count"], 2);
      assert.equal(git("status", "--porcelain"), "");
      await pull();
    }
    git("add", "--intent-to-add", ".");
    assert.equal(git("diff"), patch);
    assert.match(readFileSync(join(project, "calc/add.py"), "utf8"), new RegExp(`# ${runner.name}`));
    git("commit", "--quiet", "--all", "--message", runner.name);
    assert.equal((await resultOf(runner, "task.diff", {}))["file_count"], 0);
  });
}
