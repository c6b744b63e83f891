import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Shell } from "../../../src/index.js";
import { untilDetached } from "../../../src/client/shell/keys.js";
import { Screen } from "../../../src/client/shell/screen.js";
import { until } from "../../client/scratch.js";
import { connectHere, textOf } from "../../doors/mcp/connect.js";
import { python } from "../../python/run.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A task whose guest is a plain process on this host. */
async function openTask(t: TestContext) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli, tasks } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  return {
    ...{ daemon, pyro, task, cli },
    async [Symbol.asyncDispose]() {
      await tasks.detachAll();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

const PLAIN = { cwd: "/", env: { PS1: "$ " }, command: ["bash", "--norc"] };

test("shells: one stays between calls, and its screen is read as text", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  const shell = await task.openShell({ ...PLAIN, rows: 10, cols: 40 });
  assert.deepEqual([shell.name, shell.created, shell.state], ["main", true, "running"]);
  assert.deepEqual([(await task.openShell()).created, (await task.openShell()).sequence], [false, shell.sequence]);
  const first = await task.readShell({ waitFor: "$ ", waitSeconds: 30 });
  await task.writeShell("stty size; echo gr\\u00fcn; x=4\n");
  await task.writeShell("echo $((x + 38))\n");
  const shown = await task.readShell({ offset: first.offset, waitFor: "\n42", waitSeconds: 30 });
  assert.match(shown.screen, /10 40\n/);
  assert.deepEqual([shown.found, shown.state, shown.exitCode], [true, "running", null]);
  // Lines that have left the screen are returned, too.
  await task.writeShell("seq 30; echo all of it\n");
  const scrolled = await task.readShell({ offset: shown.offset, waitFor: "\nall of it", waitSeconds: 30 });
  assert.match(`${scrolled.scrolled}\n${scrolled.screen}`, /\n1\n2\n3\n4\n/);
  await task.writeShell("exit 3\n");
  const ended = await task.readShell({ waitFor: "never", waitSeconds: 30 });
  assert.deepEqual([ended.state, ended.exitCode, ended.found], ["ended", 3, false]);
  await assert.rejects(task.writeShell("x"), { code: "NOT_FOUND" });
  assert.deepEqual((await task.listShells()).shells, []);
  assert.equal((await task.openShell(PLAIN)).created, true);
});

test("shells: several by name; a closed one ends with all that it has started", async (t) => {
  await using opened = await openTask(t);
  const { task, cli } = opened;
  await task.openShell({ ...PLAIN, name: "one" });
  await task.openShell({ ...PLAIN, name: "two", command: "trap '' HUP; echo deaf; exec sleep 600" });
  await task.readShell({ name: "two", waitFor: "deaf", waitSeconds: 30 });
  assert.match((await cli("task", "shell", "list", task.taskId)).stdout, /one +running.*\ntwo +running/);
  for (const name of ["one", "two"]) assert.equal((await task.closeShell(name)).state, "ended");
  await assert.rejects(task.closeShell("one"), { code: "NOT_FOUND" });
  await until("nothing runs", async () => (await task.status()).runningCommands === 0);
  await assert.rejects(task.readShell({ name: "three" }), { code: "NOT_FOUND" });
  for (const size of [
    { rows: 0, cols: 0 },
    { rows: 10_000, cols: 10_000 },
  ]) {
    await assert.rejects(task.openShell({ ...PLAIN, ...size }), { code: "INVALID_ARGUMENT" });
  }
});

test("shells: a stopped task keeps them, and a key starts it again", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  await task.openShell(PLAIN);
  await task.writeShell("x=7; echo set\n");
  const { offset } = await task.readShell({ waitFor: "\nset", waitSeconds: 30 });
  await task.stop();
  await task.writeShell("echo still $x\n");
  const { screen } = await task.readShell({ offset, waitFor: "still 7", waitSeconds: 30 });
  assert.match(screen, /still 7/);
});

test("shells: a fork has those of its parent, with their variables, under their names", async (t) => {
  await using opened = await openTask(t);
  const { task, pyro } = opened;
  await task.openShell({ ...PLAIN, name: "build" });
  await task.writeShell("x=7; echo set\n", { name: "build" });
  await task.readShell({ name: "build", waitFor: "\nset", waitSeconds: 30 });
  // The process of a stopped task continues in the fork here.
  await task.stop();
  const fork = await pyro.openTask((await task.fork()).tasks[0]!.taskId);
  const { shells } = await fork.listShells();
  assert.deepEqual(
    shells.map(({ name, state }) => [name, state]),
    [["build", "running"]],
  );
  assert.equal((await fork.openShell({ name: "build" })).created, false);
  await fork.writeShell("echo still $x\n", { name: "build" });
  const { screen } = await fork.readShell({ name: "build", waitFor: "still 7", waitSeconds: 30 });
  assert.match(screen, /still 7/);
  await fork.delete();
});

test("shellTask: a shell in both directions, which is left and attached to again", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  const first = await task.shell({ ...PLAIN, rows: 10, cols: 40 });
  const shown = watch(first);
  void first.write("stty size; x=5\r");
  await until("its size", () => shown.text.includes("10 40"));
  first.resize({ rows: 20, cols: 90 });
  void first.write("until [ \"$(stty size)\" = '20 90' ]; do sleep 0.1; done; echo re''sized\r");
  await until("its new size", () => shown.text.includes("resized"));
  first.detach();
  await assert.rejects(first.exit, { code: "ABORTED" });

  const second = await task.shell({ replay: false });
  const later = watch(second);
  assert.deepEqual([second.info.created, second.info.sequence], [false, first.info.sequence]);
  void second.write("echo x is $x\r");
  await until("its variable", () => later.text.includes("x is 5\r\n"));
  assert.doesNotMatch(later.text, /resized/);
  // Another client takes the keyboard.
  const third = await task.shell();
  const all = watch(third);
  await assert.rejects(second.exit, { code: "ABORTED" });
  await until("what was shown before", () => all.text.includes("resized"));
  // It prints a line once it has the terminal.
  void third.write("sh -c 'echo as\"\"leep; exec sleep 600'\r");
  await until("it sleeps", () => all.text.includes("asleep"));
  void third.write("\u0003");
  void third.write("exit 4\r");
  assert.equal((await third.exit).exitCode, 4);
  await all.end;
});

test("shellTask in Python, with threads and with asyncio", async (t) => {
  await using opened = await openTask(t);
  const { status, stderr } = await python(["-W", "error", "-m", "unittest", "tests.test_shells"], {
    PYRO_TEST_HOME: opened.daemon.env.PYRO_HOME,
    PYRO_TEST_TASK: opened.task.taskId,
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Ran \d tests/);
});

/** Collects the output of a shell in `text`; `end` resolves when it has ended. */
function watch(shell: Shell): { text: string; end: Promise<void> } {
  const read = async () => {
    for await (const bytes of shell) shown.text += Buffer.from(bytes).toString();
  };
  const shown = { text: "", end: Promise.resolve() };
  shown.end = read();
  shown.end.catch(() => {});
  return shown;
}

test("task_shell: a model opens a terminal, types and reads the screen with one tool", async (t) => {
  await using opened = await openTask(t);
  const { task, daemon } = opened;
  await using mcp = await connectHere({ env: daemon.env, profile: "full" });
  const ask = async (action: string, fields: object = {}) =>
    textOf(await mcp.call("task_shell", { task_id: task.taskId, action, ...fields }));
  const open = await ask("open", { command: "PS1='> ' exec bash --norc", wait_for: "> " });
  assert.match(open, /^Shell main: running \(24 lines of 80, cursor at \d+:\d+, offset \d+\)\n/);
  assert.match(await ask("write", { text: "echo $((6 * 7))\n", wait_for: "\n42" }), /\n42\n/);
  assert.equal(await ask("list"), "main running: PS1='> ' exec bash --norc");
  assert.match(await ask("write", { text: "sleep 600\n" }), /sleep 600/);
  assert.match(await ask("write", { text: "\u0003", wait_for: "^C" }), /\^C/);
  assert.match(await ask("signal", { signal: "KILL" }), /^Shell main: ended, exit_code 137/);
  assert.equal(await ask("list"), "The task has no shells.");
  const { code } = await mcp.failure("task_shell", { task_id: task.taskId, action: "write", text: "x" });
  assert.equal(code, "NOT_FOUND");
});

test("a screen: what repaints it draws the same, with colours, wide characters and the alternate screen", async (t) => {
  const draw = async (...pieces: string[]) => {
    const screen = new Screen({ rows: 6, cols: 20 });
    t.after(() => screen.close());
    for (const piece of pieces) await screen.write(Buffer.from(piece));
    return screen.drawn;
  };
  const drawn = await draw("one\r\n\u001b[31mred\u001b[0m \u4e16\u754c\r\n\u001b[?1049h\u001b[2;3Hfull\u001b[?25l");
  const again = await draw(drawn.repaint);
  assert.equal(drawn.text, "\n  full");
  assert.deepEqual([again.text, again.cursor], [drawn.text, drawn.cursor]);
  assert.ok(drawn.repaint.endsWith("\u001b[?25l"));
  // The main screen is still there when the alternate one is left.
  assert.equal((await draw(drawn.repaint, "\u001b[?1049l")).text, "one\nred \u4e16\u754c");
});

test("a screen: output that an emulator cannot draw in time is given up", async (t) => {
  const screen = new Screen({ rows: 1000, cols: 1000 });
  t.after(() => screen.close());
  await screen.write(
    Buffer.from("\u001b[999999999;999999999H\u001b[8;9999;9999t\ufffd\u0000\u009b\u001b[2J\u001b[Hfine"),
    // The first output waits for the start of the emulator too.
    120_000,
  );
  assert.equal(screen.drawn.text, "fine");
  await assert.rejects(screen.write(Buffer.from("\u001b[1000000000S".repeat(100)), 2_000), {
    code: "RESOURCE_EXHAUSTED",
  });
});

test("keys: Ctrl-\\ typed twice detaches, and once reaches the command", async () => {
  const detached: string[] = [];
  const read = async (...typed: string[]) => {
    async function* source() {
      for (const text of typed) yield Buffer.from(text);
    }
    const keys: string[] = [];
    for await (const key of untilDetached(source(), () => detached.push(typed.join(""))))
      keys.push(Buffer.from(key).toString());
    return keys.join("");
  };
  assert.equal(await read("a\u001c", "\u001cb"), "a");
  assert.equal(await read("\u001c\u001c"), "");
  assert.equal(await read("a\u001cb", "\u001c", "c"), "a\u001cb\u001cc");
  assert.deepEqual(detached, ["a\u001c\u001cb", "\u001c\u001c"]);
  const paste = "x".repeat(100_000);
  assert.equal(await read(paste), paste);
});
