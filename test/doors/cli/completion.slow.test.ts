import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { renderCompletion } from "../../../src/doors/cli/completion.js";
import { endOf, pyroPath, Scratch } from "../../client/scratch.js";
import { Listening, runInShell } from "../../daemon/listening.js";
import { taskOf } from "../../task-of.js";
import { Terminal } from "./terminal.js";

const ids = ["task-0123456789ab", "task-0123456789cd"] as const;

/** A daemon that has two tasks, and `pyro` in the PATH of a shell. */
function open(): { daemon: Listening; env: NodeJS.ProcessEnv } {
  const tasks = [taskOf({ task_id: ids[0] }), taskOf({ task_id: ids[1] })];
  const daemon = new Listening(runInShell, {
    others: {
      "task.list": async () => ({ tasks }),
      "task.status": async () => taskOf({ command_count: 3 }),
      "env.list": async () => ({ catalog_version: "1", environments: [] }),
    },
  });
  return { daemon, env: installPyro(daemon.directory, daemon.env) };
}

function installPyro(directory: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const bin = join(directory, "bin");
  mkdirSync(bin);
  const call = [process.execPath, pyroPath].map((word) => JSON.stringify(word)).join(" ");
  writeFileSync(join(bin, "pyro"), `#!/bin/sh\nexec ${call} "$@"\n`, { mode: 0o755 });
  return { ...env, PATH: `${bin}:${env["PATH"]}`, HOME: directory, TERM: "dumb" };
}

/** Candidates for a line up to the cursor, as each shell gets them. */
const askShell: Readonly<Record<string, (line: string) => readonly string[]>> = {
  bash: (line) => [
    "bash",
    "--norc",
    "-c",
    'source <(pyro completion bash); COMP_LINE=$1; COMP_POINT=${#1}; _pyro 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"',
    "bash",
    line,
  ],
  fish: (line) => ["fish", "--no-config", "-c", "pyro completion fish | source; complete -C $argv[1]", line],
};

async function complete(shell: string, line: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const [program = "", ...args] = askShell[shell]!(line);
  const child = spawn(program, args, { env, cwd: env["HOME"], stdio: ["ignore", "pipe", "pipe"] });
  const { stdout, stderr } = await endOf(child);
  assert.equal(stderr, "");
  return stdout.split("\n").filter((word) => word !== "");
}

const cases: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["pyro ru", ["run"]],
  ["pyro env pu", ["pull"]],
  ["pyro task sync ", ["pull", "push", "undo"]],
  ["pyro task sync push --dr", ["--dry-run"]],
  ["pyro help task sy", ["sync"]],
  ["pyro run --mem", ["--mem-mib"]],
  ["pyro run debian:12 ", ["--"]],
  ["pyro run debian:12 -- l", []],
  ["pyro completion z", ["zsh"]],
  ["pyro mcp config cur", ["cursor"]],
  ["pyro task status ", ids],
  ["pyro task rm task-0123456789a", [ids[0]]],
  [`pyro task output ${ids[0]} `, ["3", "2", "1"]],
  [`pyro task signal ${ids[0]} 1 KI`, ["KILL"]],
];

for (const shell of Object.keys(askShell)) {
  test(`${shell} completes commands, flags, values, ids and numbers`, async () => {
    const { daemon, env } = open();
    await using _ = daemon;
    for (const [line, offered] of cases) {
      assert.deepEqual((await complete(shell, line, env)).toSorted(), [...offered].toSorted(), line);
    }
    const all = await complete(shell, "pyro ", env);
    for (const word of ["run", "task", "doctor", "help"]) assert.ok(all.includes(word), word);
    // bash completes the part after a colon.
    const colon = shell === "bash" ? [] : ["debian:12"];
    assert.ok((await complete(shell, "pyro run deb", env)).includes("debian:12"));
    assert.deepEqual(
      (await complete(shell, "pyro run debian:12", env)).filter((word) => colon.includes(word)),
      colon,
    );
  });
}

test("bash completes after the colon of an environment's name", async () => {
  const { daemon, env } = open();
  await using _ = daemon;
  const offered = await complete("bash", "pyro run debian:12-b", env);
  assert.deepEqual(offered.toSorted(), ["12-base", "12-build"]);
});

test("a path is completed by the shell itself", async () => {
  const { daemon, env } = open();
  await using _ = daemon;
  mkdirSync(join(daemon.directory, "sources"));
  assert.deepEqual(await complete("fish", "pyro task create debian:12 --source-path sour", env), ["sources/"]);
});

for (const [shell, argv, setup] of [
  ["bash", ["bash", "--norc", "--noprofile", "-i"], "source <(pyro completion bash)"],
  ["zsh", ["zsh", "-f", "-i"], "autoload -U compinit; compinit -u; source <(pyro completion zsh)"],
] as const) {
  test(`${shell} on a terminal completes a line at Tab`, async () => {
    const { daemon, env } = open();
    await using _ = daemon;
    const terminal = new Terminal([...argv], { ...env, PS1: "> ", PROMPT: "> " });
    terminal.type(`${setup}; echo rea''dy\n`);
    await terminal.shows("ready");
    terminal.type("pyro task sync pus\t");
    await terminal.shows("pyro task sync push ");
    terminal.type("\u0015exit\n");
    await terminal.ended();
  });
}

test("completion starts no daemon, creates no home, and offers the candidates that need no daemon", async () => {
  await using scratch = new Scratch();
  const env = installPyro(scratch.directory, scratch.env);
  assert.deepEqual(await complete("bash", "pyro task status ", env), []);
  assert.ok((await complete("bash", "pyro run ", env)).includes("debian:12"));
  assert.equal(existsSync(scratch.home), false);
});

test("an unknown shell is refused", () => {
  assert.throws(() => renderCompletion("csh"), { code: "INVALID_ARGUMENT" });
});
