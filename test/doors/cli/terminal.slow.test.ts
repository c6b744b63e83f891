// oxlint-disable no-control-regex -- a terminal is driven by control characters.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Client } from "../../../src/client/client.js";
import { pyroPath, until } from "../../client/scratch.js";
import { AgentMachines } from "../../core/agent-machines.js";
import { openTasks } from "../../core/open-tasks.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { Pty } from "./pty.js";

const CTRL = { C: "\x03", D: "\x04", Z: "\x1a" };

/** A task, and `task exec -t` in it on a terminal. */
async function openTerminal(t: TestContext, command: readonly string[], size = {}) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  const open = (...words: string[]) => new Pty([process.execPath, pyroPath, ...words], { env: daemon.env, ...size });
  const exec = (...words: string[]) => open("task", "exec", task.taskId, "-t", "--cwd", "/tmp", "--", ...words);
  const terminal = exec(...command);
  return {
    ...{ daemon, pyro, cli, task, open, exec, terminal },
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

test("exec -t: the command has a terminal of the local size, and its exit status is returned", async (t) => {
  await using opened = await openTerminal(t, ["sh", "-c", "tty; stty size; echo $TERM; exit 7"], {
    rows: 50,
    cols: 132,
  });
  const { terminal } = opened;
  await terminal.until(/\/dev\/pts\/\d+\r\n50 132\r\nxterm-256color\r\n/);
  assert.deepEqual(await terminal.ended, { status: 7, restored: true });
  assert.doesNotMatch(terminal.shown, /task-exec/);
});

test("exec -t: a local terminal of no size counts as 24 by 80, and a huge one as 1000 by 1000", async (t) => {
  await using opened = await openTerminal(t, ["stty", "size"], { rows: 0, cols: 0 });
  await opened.terminal.until("24 80\r\n");
  await using huge = new Pty(
    [process.execPath, pyroPath, "task", "exec", opened.task.taskId, "-t", "--cwd", "/tmp", "--", "stty", "size"],
    {
      env: opened.daemon.env,
      rows: 10_000,
      cols: 10_000,
    },
  );
  await huge.until("1000 1000\r\n");
  assert.deepEqual(
    [await opened.terminal.ended, await huge.ended],
    [
      { status: 0, restored: true },
      { status: 0, restored: true },
    ],
  );
});

test("exec -t: keys become signals, and job control works", async (t) => {
  await using opened = await openTerminal(t, ["env", "PS1=$ ", "bash", "--norc", "-i"]);
  const { terminal } = opened;
  await terminal.until("$ ");
  // It prints a line once it has the terminal. Without a trap, bash forgets an INT that comes when a sleep has just ended.
  terminal.type(`bash -c 'trap "echo again" CONT; trap "exit 130" INT; echo u""p; while :; do sleep 0.1; done'\r`);
  await terminal.until("up\r\n");
  terminal.type(CTRL.Z);
  await terminal.until("Stopped");
  terminal.type("fg\r");
  await terminal.until("\nagain\r\n");
  terminal.type(CTRL.C);
  await terminal.until(/\^C[^]*\$ /);
  terminal.type("echo status=$?\r");
  await terminal.until("status=130\r\n");
  terminal.resize(40, 100);
  terminal.type("stty size\r");
  await terminal.until("stty size\r\n");
  // The size may arrive a moment later.
  terminal.type("until [ \"$(stty size)\" = '40 100' ]; do :; done; echo re''sized\r");
  await terminal.until("resized\r\n");
  terminal.type(CTRL.D);
  assert.deepEqual(await terminal.ended, { status: 0, restored: true });
});

test("exec -t: a paste of 100 KB of wide characters arrives whole", async (t) => {
  const line = "日本語テキスト🙂".repeat(20);
  const text = `${line}\n`.repeat(Math.ceil(100_000 / Buffer.byteLength(line)));
  const bytes = Buffer.byteLength(text);
  await using opened = await openTerminal(t, ["sh", "-c", `stty raw -echo; echo ready; head -c ${bytes} | cksum`]);
  const { terminal, cli } = opened;
  await terminal.until("ready");
  terminal.type(text);
  const shown = await terminal.until(/\d+ \d+\n/);
  const expected = await cli(
    "task",
    "exec",
    opened.task.taskId,
    "--cwd",
    "/tmp",
    "--",
    "sh",
    "-c",
    `yes '${line}' | head -c ${bytes} | cksum`,
  );
  assert.equal(shown.trim(), expected.stdout.trim());
  assert.deepEqual(await terminal.ended, { status: 0, restored: true });
});

test("exec -t: a client that gets SIGTERM restores its terminal, and resets the modes that the command has set", async (t) => {
  await using opened = await openTerminal(t, ["sh", "-c", "printf '\\033[?1049h\\033[?25lup'; exec sleep 1000"]);
  const { terminal } = opened;
  await terminal.until("up");
  terminal.signal(15);
  assert.deepEqual(await terminal.ended, { status: 143, restored: true });
  assert.match(terminal.shown, /\x1b\[\?1049l\x1b\[\?25h/);
});

test("exec -t: a command outlives its client, which another can follow and type for", async (t) => {
  await using opened = await openTerminal(t, [
    "sh",
    "-c",
    "stty -echo; echo ready; read a; echo got $a; read b; exit $b",
  ]);
  const { terminal, daemon, task } = opened;
  await terminal.until("ready");
  terminal.signal(9);
  assert.equal((await terminal.ended).status, -9);
  const client = new Client(daemon.env);
  let shown = "";
  const follow = (keys: string) =>
    client.call(
      "task.follow",
      { task_id: task.taskId, sequence: 1, keyboard: true },
      {
        stdin: (async function* () {
          yield Buffer.from(keys);
        })(),
        onEvent: (event) => {
          if (event.event === "stdout") shown += Buffer.from(event.data).toString();
        },
      },
    );
  const first = follow("hello\n");
  first.catch(() => {});
  await until("the keys were read", () => shown.includes("got hello"));
  const second = follow("5\n");
  await assert.rejects(first, { code: "ABORTED" });
  assert.equal((await second).exit_code, 5);
});

test("-t: is refused without a terminal, and with --json", async (t) => {
  await using opened = await openTerminal(t, ["true"]);
  const { cli, task } = opened;
  const piped = await cli("task", "exec", task.taskId, "-t", "--", "true");
  assert.equal(piped.status, 2);
  assert.match(piped.stderr, /^pyro: The input device is not a TTY\.$/m);
  const json = await cli("run", "-t", "--json", "debian:12", "--", "true");
  assert.match(json.stdout, /exclude each other/);
  for (const size of ["0", "10000"]) {
    const refused = await cli("task", "exec", task.taskId, "-t", "-n", "--rows", size, "--", "true");
    assert.match(refused.stderr, /--rows must be a whole number from 1 to 1000/);
  }
});

test("-t -n: a command has a terminal without input", async (t) => {
  await using opened = await openTerminal(t, ["true"]);
  const seen = await opened.cli(
    "task",
    "exec",
    opened.task.taskId,
    "-tn",
    "--cwd",
    "/tmp",
    "--",
    "sh",
    "-c",
    "tty >/dev/null && stty size; cat",
  );
  assert.match(seen.stderr, /has no flag -tn/);
  const { status, stdout } = await opened.cli(
    "task",
    "exec",
    opened.task.taskId,
    "-t",
    "-n",
    "--cwd",
    "/tmp",
    "--",
    "sh",
    "-c",
    "stty size; cat",
  );
  assert.deepEqual([status, stdout], [0, "24 80\r\n"]);
});
