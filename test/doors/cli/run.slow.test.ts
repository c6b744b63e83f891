import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { endOf, pyroPath, until, type Ended } from "../../client/scratch.js";
import type { Handlers } from "../../../src/daemon/handlers.js";
import { Listening, resultOf, runInShell } from "../../daemon/listening.js";

function start(daemon: Listening, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [pyroPath, "run", ...args], { env: daemon.env });
}

function run(daemon: Listening, args: readonly string[], input: string | Buffer = ""): Promise<Ended> {
  const child = start(daemon, args);
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  return endOf(child);
}

const sh = (script: string) => ["debian:12", "--", "sh", "-c", script];

test("the command's streams and its exit status are pyro's", async () => {
  await using daemon = new Listening(runInShell);
  const ended = await run(daemon, sh("echo out; echo err >&2; exit 7"));
  assert.deepEqual(ended, { status: 7, stdout: "out\n", stderr: "err\n" });
});

test("all of standard input arrives", async () => {
  await using daemon = new Listening(runInShell);
  const input = Buffer.alloc(3_000_000, "0123456789abcdef\n");
  const { status, stdout } = await run(daemon, sh("sha256sum"), input);
  assert.equal(status, 0);
  assert.equal(stdout, `${createHash("sha256").update(input).digest("hex")}  -\n`);
});

test("a command that leaves its input unread ends pyro, even if the input stays open", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("head -c 4"));
  child.stdin?.on("error", () => {});
  child.stdin?.write("1234".repeat(500_000));
  const { status, stdout } = await endOf(child);
  assert.equal(status, 0);
  assert.equal(stdout, "1234");
});

test("a time-out returns 124 and prints the reason", async () => {
  await using daemon = new Listening(runInShell);
  const { status, stdout, stderr } = await run(daemon, ["debian:12", "--timeout-seconds", "1", "--", "sleep", "60"]);
  assert.equal(status, 124);
  assert.equal(stdout, "");
  assert.match(stderr, /time-out/);
  assert.match(stderr, /^hint: .*--timeout-seconds/m);
});

test("a command line given as one word: a hint names the shell, except with --json", async () => {
  await using daemon = new Listening(async (core, input, call) => {
    return { ...(await runInShell(core, input, call)), command: input.command };
  });
  const { status, stderr } = await run(daemon, ["debian:12", "--", "a; b"]);
  assert.equal(status, 127);
  assert.match(stderr, /^hint: .* -- sh -c 'a; b'$/m);
  assert.doesNotMatch((await run(daemon, sh("a; b"))).stderr, /hint:/);
  assert.doesNotMatch((await run(daemon, ["debian:12", "--json", "--", "a; b"])).stderr, /hint:/);
});

test("--json prints one object and nothing else", async (t) => {
  await using daemon = new Listening(runInShell);
  await t.test("a result", async () => {
    const { status, stdout, stderr } = await run(daemon, ["debian:12", "--json", "--", "sh", "-c", "echo x; exit 3"]);
    assert.deepEqual(JSON.parse(stdout), resultOf(3));
    assert.equal(stderr, "");
    assert.equal(status, 3);
  });
  await t.test("an error", async () => {
    const { status, stdout, stderr } = await run(daemon, ["unknown", "--json", "--", "true"]);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "ENVIRONMENT_UNKNOWN");
    assert.equal(stderr, "");
    assert.equal(status, 2);
  });
  await t.test("a wrong command line", async () => {
    const { status, stdout } = await run(daemon, ["debian:12", "--json"]);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "INVALID_ARGUMENT");
    assert.equal(status, 2);
  });
});

test("an error is printed on one line and its next step on another", async () => {
  await using daemon = new Listening(runInShell);
  const { status, stdout, stderr } = await run(daemon, ["unknown", "--", "true"]);
  assert.match(stderr, /^pyro: .+\nhint: .+\n$/);
  assert.equal(stdout, "");
  assert.equal(status, 2);
});

test("a signal cancels the run, waits for the clean-up and decides the exit status", async (t) => {
  const cases = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const [signal, expected] of Object.entries(cases)) {
    await t.test(signal, async () => {
      await using daemon = new Listening(runInShell);
      const child = start(daemon, sh("echo ready; sleep 60"));
      // Unread input must not delay the cancel.
      child.stdin?.on("error", () => {});
      child.stdin?.write(Buffer.alloc(1_000_000));
      child.stdout?.once("data", () => child.kill(signal as NodeJS.Signals));
      const { status } = await endOf(child);
      assert.equal(status, expected);
      await until("the call has ended", () => daemon.lifetime.isIdle());
    });
  }
});

test("a trap of the command runs after Ctrl-C, its output is shown, and the status stays 130", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done"));
  child.stdout?.once("data", () => child.kill("SIGINT"));
  const { status, stdout } = await endOf(child);
  assert.deepEqual([status, stdout], [130, "ready\nbye\n"]);
});

test("SIGTERM sends TERM to the command", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("trap 'echo term; exit 0' TERM; echo ready; while :; do sleep 0.05; done"));
  child.stdout?.once("data", () => child.kill("SIGTERM"));
  const { status, stdout } = await endOf(child);
  assert.deepEqual([status, stdout], [143, "ready\nterm\n"]);
});

test("the second Ctrl-C kills a command that does not end at the first", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("trap 'echo no' INT; echo ready; while :; do sleep 0.05; done"));
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = endOf(child);
  await until("it is ready", () => said === "ready\n");
  child.kill("SIGINT");
  await until("it has refused", () => said === "ready\nno\n");
  child.kill("SIGINT");
  assert.equal((await ended).status, 130);
  await until("the call has ended", () => daemon.lifetime.isIdle());
});

test("Ctrl-\\ kills the command at once", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("trap 'echo no' INT TERM QUIT; echo ready; while :; do sleep 0.05; done"));
  child.stdout?.once("data", () => child.kill("SIGQUIT"));
  const { status, stdout } = await endOf(child);
  assert.deepEqual([status, stdout.startsWith("ready\n")], [131, true]);
  await until("the call has ended", () => daemon.lifetime.isIdle());
});

test("out of memory is explained with the size and the flag", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(137), oom_killed: true, mem_mib: 256 }));
  const { status, stderr } = await run(daemon, sh("true"));
  assert.equal(status, 137);
  assert.match(stderr, /256 MiB.*\nhint: .*--mem-mib 512/);
});

test("task wait: out of memory is explained with the size and the flag", async () => {
  const command = { task_id: "task-0123456789ab", sequence: 1, cwd: "/", started_at: "2026-01-01T00:00:00.000Z" };
  const wait: Handlers["task.wait"] = async () => ({
    ...{ ...resultOf(137), ...command, oom_killed: true, state: "ended", ended_at: null, error: null, restored: null },
  });
  await using daemon = new Listening(runInShell, { others: { "task.wait": wait } });
  const child = spawn(process.execPath, [pyroPath, "task", "wait", "task-0123456789ab", "1"], { env: daemon.env });
  const { status, stderr } = await endOf(child);
  assert.equal(status, 137);
  assert.match(stderr, /^pyro: The VM's memory of 1024 MiB ran out/m);
  assert.match(stderr, /^hint: .*pyro task create --mem-mib 2048/m);
});

test("the third Ctrl-C ends pyro at once, and the call is aborted", async () => {
  let aborted = false;
  let finish: (() => void) | undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  await using daemon = new Listening(async (_core, _input, call) => {
    await call.emit({ event: "stdout", data: Buffer.from("ready\n") });
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    aborted = true;
    await finished;
    return resultOf(0);
  });
  const child = start(daemon, sh("true"));
  child.stdout?.once("data", () => child.kill("SIGINT"));
  const ended = endOf(child);
  await until("the first one arrived", () => aborted);
  child.kill("SIGINT");
  const again = setInterval(() => child.kill("SIGINT"), 50);
  assert.equal((await ended).status, 130);
  clearInterval(again);
  finish?.();
});

test("a reader that exits ends the command quietly", async () => {
  await using daemon = new Listening(runInShell);
  const child = start(daemon, sh("yes"));
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { status, stderr } = await endOf(child);
  assert.equal(status, 141);
  assert.equal(stderr, "");
  await until("the call has ended", () => daemon.lifetime.isIdle());
});

test("a daemon that dies during a run: pyro fails with 125", async () => {
  await using daemon = new Listening(async (_core, _input, call) => {
    await call.emit({ event: "stdout", data: Buffer.alloc(0) });
    daemon.lifetime.stop("the test wants it");
    call.signal.throwIfAborted();
    return resultOf(0);
  });
  const { status, stderr } = await run(daemon, sh("true"));
  assert.equal(status, 125);
  assert.match(stderr, /stopped/);
});
