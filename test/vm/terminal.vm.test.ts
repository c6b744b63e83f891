// oxlint-disable no-control-regex -- a terminal is driven by control characters.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { kill, pyroPath, until } from "../client/scratch.js";
import { Pty } from "../doors/cli/pty.js";
import { TaskScratch } from "../faults/task-scratch.js";

const CTRL = { C: "\x03", D: "\x04", Z: "\x1a" };

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const open = (...words: string[]) =>
  new Pty([process.execPath, pyroPath, ...words], { env: { ...process.env, ...scratch.env }, rows: 24, cols: 80 });
const exec = (...words: string[]) => open("task", "exec", task, "-t", "--", ...words);

test("exec -t in a VM: bash with job control, colours, Python's prompt, and resizes", async () => {
  await using terminal = exec("env", "PS1=$ ", "bash", "--norc", "-i");
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
  terminal.type("ls --color=auto -d /tmp\r");
  await terminal.until(/\x1b\[[0-9;]*m\/tmp/);
  terminal.resize(50, 132);
  terminal.type("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo re''sized\r");
  await terminal.until("resized\r\n");
  terminal.type("python3 -q\r");
  await terminal.until(">>> ");
  terminal.type("print('日本', 6 * 7)\r");
  await terminal.until("日本 42\r\n");
  terminal.type("while True: pass\r\r");
  await terminal.until("... ");
  terminal.type(CTRL.C);
  await terminal.until("KeyboardInterrupt");
  await terminal.until(">>> ");
  terminal.type(CTRL.D);
  await terminal.until("$ ");
  terminal.type("exit 3\r");
  assert.deepEqual(await terminal.ended, { status: 3, restored: true });
});

test("exec -t in a VM: full-screen programs draw on the alternate screen and leave it", async () => {
  await using terminal = exec("env", "PS1=$ ", "bash", "--norc", "-i");
  await terminal.until("$ ");
  terminal.type("seq 1 500 | less\r");
  await terminal.until(/\x1b\[\?1049h[^]*\r?\n23\r?\n/);
  terminal.type("G");
  await terminal.until("(END)");
  terminal.type("q");
  await terminal.until(/\x1b\[\?1049l[^]*\$ /);
  terminal.type("top\r");
  await terminal.until("load average");
  terminal.type("q");
  await terminal.until(/\$ $/);
  terminal.type("exit\r");
  assert.deepEqual(await terminal.ended, { status: 0, restored: true });
});

test("exec -t in a VM: a killed daemon loses only the keys that were on their way", async () => {
  await using terminal = exec("env", "PS1=$ ", "bash", "--norc", "-i");
  await terminal.until("$ ");
  terminal.type("name=kept; echo o''k\r");
  await terminal.until("ok\r\n");
  kill(await scratch.daemonPid());
  // The client reconnects by itself; keys that the dead daemon took must be typed again.
  await until("the shell answers", () => {
    terminal.type('echo "<$name>"\r');
    return terminal.shown.includes("<kept>");
  });
  terminal.type("exit 4\r");
  assert.deepEqual(await terminal.ended, { status: 4, restored: true });
});

test("run -t: a terminal in a fresh VM; when the VM dies, the local terminal is restored", async () => {
  await using terminal = open("run", "-t", "debian:12", "--mem-mib", "256", "--", "sh", "-c", "tty; read x; exit $x");
  await terminal.until("/dev/pts/0\r\n");
  terminal.type("9\r");
  assert.deepEqual(await terminal.ended, { status: 9, restored: true });

  await using doomed = exec("sh", "-c", "printf '\\033[?1049hup'; exec sleep 1000");
  await doomed.until("up");
  kill(scratch.qemuOf(task));
  const { status, restored } = await doomed.ended;
  assert.deepEqual([status, restored], [125, true]);
  assert.match(doomed.shown, /\x1b\[\?1049l/);
});
