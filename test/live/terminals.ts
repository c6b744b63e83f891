// oxlint-disable no-control-regex -- a terminal draws with control characters.
import assert from "node:assert/strict";
import { test } from "node:test";

import { kill, pyroPath, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { Tmux } from "./tmux.js";

/** The command line that is typed on the host for a shell of a task. */
const PLAIN_BASH = "-- env PS1='guest$ ' bash --norc";

/** Shells of VMs in a real terminal, used as people use them. */
export function testTerminals(open: () => { readonly scratch: TaskScratch; readonly task: string }): void {
  const start = (size?: { rows: number; cols: number }) => {
    const { scratch, task } = open();
    const tmux = new Tmux(scratch.directory, { ...process.env, ...scratch.env }, size);
    return { tmux, scratch, task, pyro: `node ${pyroPath}` };
  };

  test("tmux: a prompt with colours, job control, Ctrl-C and Ctrl-D; the host's terminal is as before", async () => {
    const { tmux: opened, task, pyro } = start();
    using tmux = opened;
    await tmux.shows("host>");
    const before = tmux.modes;
    tmux.enter(`${pyro} task exec ${task} -t ${PLAIN_BASH}`);
    await tmux.shows("guest$");
    tmux.enter("ls -d --color=always /tmp; printf '\\033[1;31mre''d\\033[0m\\n'");
    await tmux.shows("red");
    assert.match(tmux.colours, /\x1b\[[0-9;]*m\/tmp$/m);
    assert.match(tmux.colours, /\x1b\[1m\x1b\[31m[^\n]*red$/m);
    tmux.enter("sleep 1000");
    await tmux.shows(/guest\$ sleep 1000\n/);
    await untilTyped(tmux, "C-z", "Stopped");
    tmux.enter("jobs | sed s/Stopped/is-stopped/; fg");
    await tmux.shows(/is-stopped.*\n+sleep 1000\n/);
    await untilTyped(tmux, "C-c", /\^C\s+guest\$/);
    tmux.enter("echo status=$?");
    await tmux.shows("status=130");
    tmux.press("C-d");
    await tmux.shows(/host> *$/m);
    assert.equal(tmux.modes, before);
  });

  test("tmux: vi, less, top and Python, with wide characters, on the alternate screen and off it", async () => {
    const { tmux: opened, task, pyro } = start();
    using tmux = opened;
    tmux.enter(`${pyro} task exec ${task} -t ${PLAIN_BASH}`);
    await tmux.shows("guest$");

    tmux.enter("vi /tmp/note");
    await until("vi draws", () => tmux.isAlternate);
    await tmux.shows(/^~/m);
    tmux.type("iHello 世界 🙂");
    tmux.press("Escape");
    await tmux.shows("Hello 世界 🙂");
    tmux.enter(":wq");
    await until("vi has ended", () => !tmux.isAlternate);
    tmux.enter("clear; cat /tmp/note");
    await tmux.shows(/Hello 世界 🙂\nguest\$/);

    tmux.enter("seq 1 1000 | less");
    await tmux.shows(/^1\n2\n[^]*\n23\n:/);
    tmux.press("G");
    await tmux.shows(/1000\n\(END\)/);
    tmux.enter("?^500$");
    await tmux.shows(/^500\n/);
    tmux.press("q");
    await until("less has ended", () => !tmux.isAlternate);

    tmux.enter("top");
    await tmux.shows(/load average[^]*PID USER/);
    tmux.press("q");
    await tmux.shows(/guest\$ *\n*$/);

    tmux.enter("clear; python3 -q");
    await tmux.shows(">>>");
    tmux.enter("print('日本', 6 * 7)");
    await tmux.shows("日本 42");
    tmux.enter("while True: pass");
    tmux.press("Enter");
    await untilTyped(tmux, "C-c", "KeyboardInterrupt");
    tmux.press("C-d");
    await tmux.shows(/guest\$ *\n*$/);
    tmux.enter("exit 3");
    await tmux.shows("host>");
    tmux.enter("echo status=$?");
    await tmux.shows("status=3");
  });

  test("tmux: sudo asks for a password, which is not shown", async () => {
    const { tmux: opened, scratch, task, pyro } = start();
    using tmux = opened;
    const made = await scratch.exec(task, "useradd -m -G sudo dev && echo dev:ge-heim | chpasswd");
    assert.equal(made.status, 0, made.stderr);
    tmux.enter(`${pyro} task exec ${task} -t --user dev -- sudo sh -c 'echo uid=$(id -u)'`);
    await tmux.shows("[sudo] password for dev:");
    tmux.enter("wrong");
    await tmux.shows("Sorry, try again.");
    tmux.enter("ge-heim");
    await tmux.shows("uid=0");
    assert.doesNotMatch(tmux.screen, /ge-heim|wrong/);
  });

  test("tmux: a resize to 132x50 reaches the shell and a full-screen program", async () => {
    const { tmux: opened, task, pyro } = start();
    using tmux = opened;
    tmux.enter(`${pyro} task exec ${task} -t ${PLAIN_BASH}`);
    await tmux.shows("guest$");
    tmux.enter("stty size");
    await tmux.shows("24 80");
    tmux.enter("seq 1 1000 | less");
    await tmux.shows(/\n23\n:/);
    tmux.resize(50, 132);
    await tmux.shows(/\n49\n:/);
    tmux.press("q");
    tmux.enter("clear; stty size; tput cols");
    await tmux.shows(/50 132\n132\n/);
    tmux.resize(10, 40);
    tmux.enter("until [ \"$(stty size)\" = '10 40' ]; do :; done; echo sma''ll");
    await tmux.shows("small");
  });

  test("tmux: a paste of 100 KB with wide characters arrives whole", async () => {
    const { tmux: opened, scratch, task, pyro } = start();
    using tmux = opened;
    const text = `${"Zeile 日本語 🙂 ".repeat(4)}\n`.repeat(1_400);
    assert.ok(Buffer.byteLength(text) > 100_000);
    tmux.enter(`${pyro} task exec ${task} -t -- sh -c 'echo re""ady; cat > /tmp/pasted'`);
    await tmux.shows("ready");
    tmux.paste(text);
    await tmux.shows(/Zeile[^]*\n\n*$/);
    await until("all of it arrived", async () => {
      const { stdout } = await scratch.exec(task, "wc -c < /tmp/pasted");
      return Number(stdout) === Buffer.byteLength(text);
    });
    tmux.press("C-d");
    await tmux.shows("host>");
    const { stdout } = await scratch.exec(task, "cat /tmp/pasted");
    assert.equal(stdout, text);
  });

  test("tmux: a client and a daemon that are killed lose nothing of a shell, which is attached to again", async () => {
    const { tmux: opened, scratch, task, pyro } = start();
    using tmux = opened;
    await tmux.shows("host>");
    const before = tmux.modes;
    tmux.enter(`${pyro} task shell ${task} --command 'PS1="guest$ " exec bash --norc'`);
    await tmux.shows("guest$");
    tmux.enter("x=kept; printf '\\033[32mgre''en\\033[0m\\n'");
    await tmux.shows("green");

    kill(tmux.child);
    await tmux.shows("Killed");
    // The host's shell sets its terminal right after a program that was killed.
    tmux.enter("echo host-is-sa''ne");
    await tmux.shows("host-is-sane");
    assert.equal(tmux.modes, before);

    tmux.enter(`clear; ${pyro} task shell ${task}`);
    await tmux.shows("green");
    assert.match(tmux.colours, /\x1b\[32mgreen/);
    kill(await scratch.daemonPid());
    await until("the shell answers", () => {
      tmux.enter("echo it-is-$x");
      return tmux.screen.includes("it-is-kept");
    });

    tmux.press("C-\\", "C-\\");
    await tmux.shows("Detached");
    assert.equal(tmux.modes, before);
    tmux.enter(`clear; ${pyro} task shell ${task}`);
    await tmux.shows("it-is-kept");
    tmux.enter("exit 5");
    await tmux.shows("host>");
    tmux.enter("echo status=$?");
    await tmux.shows("status=5");
  });
}

/** Presses a key until the screen answers: one that is pressed before a program has the terminal is lost. */
async function untilTyped(tmux: Tmux, key: string, text: string | RegExp): Promise<void> {
  let pressedMs = 0;
  await until(`${key} has its effect`, () => {
    if (typeof text === "string" ? tmux.screen.includes(text) : text.test(tmux.screen)) return true;
    if (performance.now() - pressedMs > 3_000) {
      tmux.press(key);
      pressedMs = performance.now();
    }
    return false;
  }).catch((error: unknown) => {
    throw new Error(`${key} does not lead to ${text} but\n${tmux.screen}`, { cause: error });
  });
}
