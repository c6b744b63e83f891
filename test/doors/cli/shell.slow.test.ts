import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { pyroPath } from "../../client/scratch.js";
import { AgentMachines } from "../../core/agent-machines.js";
import { openTasks } from "../../core/open-tasks.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { Pty } from "./pty.js";

const DETACH = "\u001c\u001c";

/** A task, and clients of its shell on terminals of their own. */
async function openTask(t: TestContext) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  await task.openShell({ cwd: "/", env: { PS1: "$ " }, command: ["bash", "--norc"] });
  const terminals: Pty[] = [];
  const attach = (...flags: string[]) => {
    const words = [process.execPath, pyroPath, "task", "shell", task.taskId, ...flags];
    const terminal = new Pty(words, { env: daemon.env });
    terminals.push(terminal);
    return terminal;
  };
  return {
    ...{ task, attach, cli },
    async [Symbol.asyncDispose]() {
      for (const terminal of terminals) await terminal[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

test("task shell: Ctrl-\\ twice detaches, and attaching again draws the screen and continues", async (t) => {
  await using opened = await openTask(t);
  const first = opened.attach();
  await first.until("Ctrl-\\ twice detaches");
  await first.until("$");
  first.type("x=41; echo be''fore\r");
  await first.until("before\r\n");
  first.type(DETACH);
  assert.deepEqual(await first.ended, { status: 0, restored: true });
  assert.match(first.shown, /Detached/);

  const second = opened.attach();
  await second.until("before");
  second.type("echo $((x + 1))\r");
  await second.until("\r42\r\n");
  second.type("exit 6\r");
  assert.deepEqual(await second.ended, { status: 6, restored: true });
});

test("task shell: one client types, another one takes the keyboard, and a viewer only watches", async (t) => {
  await using opened = await openTask(t);
  const first = opened.attach();
  await first.until("$");
  const viewer = opened.attach("--view");
  await viewer.until("Ctrl-C ends the view");
  first.type("echo se''en\r");
  await viewer.until("seen");
  const second = opened.attach();
  const taken = await first.ended;
  assert.deepEqual(taken, { status: 125, restored: true });
  assert.match(first.shown, /Another client took the keyboard/);
  second.type("echo by se''cond\r");
  await viewer.until("by second");
  viewer.type("\u0003");
  assert.equal((await viewer.ended).restored, true);
  assert.equal((await opened.task.listShells()).shells.length, 1);
});

test("task shell: is refused without a terminal, and with --json", async (t) => {
  await using opened = await openTask(t);
  for (const [flags, message] of [
    [[], /The input device is not a TTY/],
    [["--json"], /needs a terminal/],
  ] as const) {
    const { status, stdout, stderr } = await opened.cli("task", "shell", opened.task.taskId, ...flags);
    assert.equal(status, 2);
    assert.match(stdout + stderr, message);
  }
});
