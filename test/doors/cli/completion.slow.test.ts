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

const of = { task_id: ids[0] };
const at = "2026-01-01T00:00:00.000Z";

const serviceOf = (name: string) => ({
  ...{
    name,
    state: "ready" as const,
    reason: null,
    command: "server",
    cwd: "/",
    ready: null,
    restart: "never" as const,
  },
  ...{ restart_count: 0, sequence: 1, exit_code: null, started_at: at, ready_at: at, ports: [], last_lines: [] },
});

const shellOf = (name: string) => ({
  ...{ name, sequence: 1, command: "bash", state: "running" as const, exit_code: null },
  ...{ rows: 24, cols: 80, attached: 0, started_at: at },
});

const snapshotOf = (name: string) => ({
  ...{ snapshot_id: "snap-0123456789ab", name, ...of, parent: null, created_at: at, memory_bytes: 1, disk_bytes: 1 },
  ...{ running_commands: 0, needed_by: [], automatic: false },
});

const saved = {
  ...{ name: "web:ready", version: "1", description: "", installed: true, distribution: "debian 12" },
  ...{ architecture: "amd64", default_packages: [], source: "" },
};

const portOf = (port: number) => ({ port, host_port: port, url: `http://127.0.0.1:${port}/`, open: true });

/** A daemon that has two tasks, and `pyro` in the PATH of a shell. */
function open(): { daemon: Listening; env: NodeJS.ProcessEnv } {
  const tasks = [taskOf({ task_id: ids[0] }), taskOf({ task_id: ids[1] })];
  const daemon = new Listening(runInShell, {
    others: {
      "task.list": async () => ({ tasks }),
      "task.status": async () => taskOf({ command_count: 3 }),
      "env.list": async () => ({ catalog_version: "1", environments: [saved] }),
      "task.service.list": async () => ({ ...of, services: ["web", "queue"].map(serviceOf) }),
      "task.shell.list": async () => ({ ...of, shells: ["main", "build"].map(shellOf) }),
      "task.port.list": async () => ({ ...of, ports: [8000, 5432].map(portOf) }),
      "task.snapshot.list": async (_, { task }) => ({
        snapshots: [snapshotOf(task ? "clean" : "everywhere")],
        unreadable: [],
      }),
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
  [`pyro task service stop ${ids[0]} `, ["web", "queue"]],
  [`pyro task service logs ${ids[0]} w`, ["web"]],
  [`pyro task service start ${ids[0]} `, []],
  [`pyro task service start ${ids[0]} web --restart `, ["never", "on-failure"]],
  [`pyro task shell close ${ids[0]} `, ["main", "build"]],
  [`pyro task shell ${ids[0]} --name b`, ["build"]],
  [`pyro task port close ${ids[0]} `, ["8000", "5432"]],
  [`pyro task reset ${ids[0]} --to `, ["seed", "snap-0123456789ab", "clean"]],
  [`pyro task diff ${ids[0]} --since s`, ["seed", "snap-0123456789ab"]],
  ["pyro task snapshot delete ev", ["everywhere"]],
  ["pyro env save task-0123456789c", [ids[1]]],
  ["pyro env remove we", ["web:ready"]],
  ["pyro task exec -w /tmp task-0123456789a", [ids[0]]],
  ["pyro task create debian:12 --links f", ["follow"]],
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
    terminal.type("\u0015\n");
    terminal.type(`pyro task service logs ${ids[0]} qu\t`);
    await terminal.shows(`pyro task service logs ${ids[0]} queue `);
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
