import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

import type { Handler } from "../../../src/core/core.js";
import { endOf, pyroPath } from "../../client/scratch.js";
import { Listening, runInShell } from "../../daemon/listening.js";
import { Terminal } from "./terminal.js";

const node = JSON.stringify(process.execPath);
const pyro = `${node} ${JSON.stringify(pyroPath)}`;

function type(daemon: Listening, script: string): Terminal {
  return new Terminal(["bash", "--norc", "-c", script], daemon.env);
}

/** Runs a script of the host's shell. */
function host(daemon: Listening, script: string, input = "") {
  const child = spawn("bash", ["--norc", "-c", script], { env: daemon.env });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return endOf(child);
}

test("run on a terminal: the command gets each line as it is typed, and its end at Ctrl-D", async () => {
  await using daemon = new Listening(runInShell);
  const terminal = type(daemon, `${pyro} run debian:12 -- sh -c 'while read line; do echo "<$line>"; done; echo end'`);
  terminal.type("one\n");
  await terminal.shows("<one>\n");
  terminal.type("two\n");
  await terminal.shows("<two>\n");
  terminal.type("\u0004");
  await terminal.shows("end\n");
  assert.equal(await terminal.ended(), 0);
});

test("run on a terminal: ends with its command, whether or not the command has read", async () => {
  await using daemon = new Listening(runInShell);
  const terminal = type(daemon, `${pyro} run debian:12 -- true; echo status=$?`);
  await terminal.shows("status=0\n");
  assert.equal(await terminal.ended(), 0);
});

test("run on a terminal: Ctrl-C interrupts while the command waits for input", async () => {
  await using daemon = new Listening(runInShell);
  const terminal = type(daemon, `trap : INT; ${pyro} run debian:12 -- sh -c 'echo ready; cat'; echo status=$?`);
  await terminal.shows("ready\n");
  terminal.type("\u0003");
  await terminal.shows("status=130\n");
  await terminal.ended();
});

test("run on a terminal: the host's shell gets no line that was typed while the command ran", async () => {
  await using daemon = new Listening(runInShell);
  const script = `${pyro} run debian:12 -- sh -c 'echo ready; read line; echo "<$line>"'; echo over; read -r next; echo "next=$next"`;
  const terminal = type(daemon, script);
  await terminal.shows("ready\n");
  terminal.type("one\nrm -r two\nhalf a li");
  await terminal.shows("over\n");
  terminal.type("mine\n");
  await terminal.shows("next=mine\n");
  assert.equal(await terminal.ended(), 0);
});

test("run --no-stdin on a terminal: typed lines stay for the next program", async () => {
  await using daemon = new Listening(runInShell);
  const script = `${pyro} run debian:12 -n -- sh -c 'cat; echo over'; read -r next; echo "next=$next"`;
  const terminal = type(daemon, script);
  terminal.type("mine\n");
  await terminal.shows("next=mine\n");
  assert.equal(await terminal.ended(), 0);
});

test("run on a terminal in the background: does not stop to read", async () => {
  await using daemon = new Listening(runInShell);
  const terminal = type(daemon, `set -m; ${pyro} run debian:12 -- sh -c 'cat; echo done' & wait %1; echo status=$?`);
  await terminal.shows("status=0\n");
  await terminal.ended();
});

test("run --no-stdin in a loop that reads a list: the list stays whole", async () => {
  await using daemon = new Listening(runInShell);
  for (const flag of ["-n", "--no-stdin"]) {
    const loop = `while read word; do ${pyro} run debian:12 ${flag} -- sh -c 'cat; echo "$0"' "$word"; done`;
    const { status, stdout } = await host(daemon, loop, "one\ntwo\nthree\n");
    assert.deepEqual([status, stdout], [0, "one\ntwo\nthree\n"], flag);
  }
});

test("task exec -n in a loop that reads a list: the list stays whole", async () => {
  const taskExec: Handler<"task.exec"> = async (core, input, call) => {
    const { vm_id: _, ...outcome } = await runInShell(core, { ...input, environment: "" } as never, call);
    const started_at = new Date(0).toISOString();
    const ended = { state: "ended" as const, error: null, restored: null, started_at };
    return { ...outcome, task_id: input.task_id, sequence: 1, cwd: "/", ...ended };
  };
  await using daemon = new Listening(runInShell, { others: { "task.exec": taskExec } });
  const loop = `while read f; do ${pyro} task exec task-0123456789ab -n -- sh -c 'cat; echo "$0"' "$f"; done`;
  const { status, stdout } = await host(daemon, loop, "one\ntwo\nthree\n");
  assert.deepEqual([status, stdout], [0, "one\ntwo\nthree\n"]);
});

test("run with a standard input that cannot be read: the command runs without it", async () => {
  await using daemon = new Listening(runInShell);
  const command = `${pyro} run debian:12 -- sh -c 'cat; echo ran'`;
  for (const [redirection, message] of [
    ["<&-", ""],
    ["</dev/null", ""],
    ["</", ""],
    ["0>/dev/null", "Cannot read standard input"],
  ] as const) {
    const { status, stdout, stderr } = await host(daemon, `${command} ${redirection}`);
    assert.deepEqual([status, stdout], [0, "ran\n"], redirection);
    assert.ok(message === "" ? stderr === "" : stderr.includes(message), `${redirection}: ${stderr}`);
  }
});
