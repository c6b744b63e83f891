import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { type Channel } from "../../src/guest/channel.js";
import { AgentRefusal } from "../../src/guest/refusal.js";
import { Exec, exitStatusOf } from "../../src/guest/exec.js";
import { runBriefly, runForExit } from "../../src/guest/run-for-exit.js";
import { buildFrame } from "../../src/guest/frames.js";
import { AgentProcess } from "./agent-process.js";

interface Ran {
  status: number;
  stdout: Buffer;
  stderr: Buffer;
}

async function run(channel: Channel, command: string, stdin: AsyncIterable<Uint8Array> | null = null): Promise<Ran> {
  const out: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  const exec = await Exec.start(channel, {
    ...{ command, cwd: "/", env: { GREETING: "hello" }, stdin },
    onOutput: async (stream, bytes) => void out[stream].push(Buffer.from(bytes)),
  });
  const exit = await exec.finished;
  await exec.release();
  return { status: exitStatusOf(exit), stdout: Buffer.concat(out.stdout), stderr: Buffer.concat(out.stderr) };
}

async function* chunks(total: number, size: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < total; sent += size) yield Buffer.alloc(Math.min(size, total - sent), sent % 251);
}

test("a command's output, environment and status", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const { status, stdout, stderr } = await run(channel, 'echo "$GREETING"; pwd >&2; exit 9');
  assert.deepEqual([status, stdout.toString(), stderr.toString()], [9, "hello\n", "/\n"]);
  channel.close();
});

test("10 MB in, 10 MB out, the same bytes", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const { stdout } = await run(channel, "cat", chunks(10_000_000, 77_777));
  const expected = createHash("sha256");
  for await (const chunk of chunks(10_000_000, 77_777)) expected.update(chunk);
  assert.equal(createHash("sha256").update(stdout).digest("hex"), expected.digest("hex"));
  channel.close();
});

test("a reader that stops early does not hang the writer", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const { status, stdout } = await run(channel, "head -c 3", chunks(5_000_000, 65_536));
  assert.deepEqual([status, stdout.length], [0, 3]);
  channel.close();
});

test("a slow taker of one command's output does not hold up another command", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const loud = await Exec.start(channel, {
    ...{ command: "head -c 3000000 /dev/zero", cwd: "/", env: {}, stdin: null },
    onOutput: () => held,
  });
  for (let count = 0; count < 5; count += 1) assert.equal(await runForExit(channel, "true"), 0);
  letGo();
  assert.equal((await loud.finished).stdout_bytes, 3_000_000);
  channel.close();
});

test("a signal reaches the whole group", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const exec = await Exec.start(channel, {
    ...{ command: "sleep 1000 & sleep 1000", cwd: "/", env: {}, stdin: null },
    onOutput: async () => {},
  });
  await exec.signal("KILL");
  assert.equal(exitStatusOf(await exec.finished), 137);
  channel.close();
});

test("a refusal of the agent has its code", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const start = Exec.start(channel, {
    ...{ command: "true", cwd: "/no/such/directory", env: {}, stdin: null },
    onOutput: async () => {},
  });
  await assert.rejects(start, (error) => error instanceof AgentRefusal && error.errno === "ENOENT");
  await assert.rejects(channel.request("no-such-op"), (error) => (error as AgentRefusal).code === "UNSUPPORTED");
  channel.close();
});

test("a host that died in the middle of any frame: the next host's session works", async () => {
  await using agent = new AgentProcess();
  (await agent.connect()).close();
  const frame = buildFrame({ type: 2, stream: 5, payload: Buffer.from('{"op":"ping"}') }, Buffer.from("abcd"));
  for (let cut = 1; cut < frame.length; cut += 3) {
    const raw = agent.raw();
    await once(raw, "connect");
    raw.end(frame.subarray(0, cut));
    await once(raw, "close");
    const channel = await agent.connect();
    await channel.request("ping");
    channel.close();
  }
});

test("when the agent dies, pending requests fail", async () => {
  const agent = new AgentProcess();
  const channel = await agent.connect();
  const exec = await Exec.start(channel, {
    ...{ command: "sleep 1000", cwd: "/", env: {}, stdin: null },
    onOutput: async () => {},
  });
  await agent[Symbol.asyncDispose]();
  await assert.rejects(exec.finished, { code: "VM_DIED" });
  await turn();
  assert.throws(() => channel.send(2, 1, Buffer.alloc(0)), { code: "VM_DIED" });
});

test("a command without standard input is found again by a later session, which stays open", async () => {
  await using agent = new AgentProcess();
  const first = await agent.connect();
  const request = { command: "sleep 1000", cwd: "/", env: {}, stdin: null, onOutput: async () => {} };
  const { job } = await Exec.start(first, request);
  first.close();
  const second = await agent.connect();
  const found = await Exec.resume(second, job, { stdout: 0, stderr: 0 }, { onOutput: async () => {} });
  assert.equal(await runForExit(second, "true"), 0);
  await found.signal("KILL");
  assert.equal(exitStatusOf(await found.finished), 137);
  second.close();
});

test("a command on a session that has ended: one error, with the reason of the end", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  channel.close();
  const request = { command: "true", cwd: "/", env: {}, stdin: null, onOutput: async () => {} };
  await assert.rejects(Exec.start(channel, request), { code: "ABORTED" });
  await turn();
});

test("output that cannot be stored fails its command at once, and the session continues", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  let deliveries = 0;
  const exec = await Exec.start(channel, {
    ...{ command: "head -c 3000000 /dev/zero", cwd: "/", env: {}, stdin: null },
    onOutput: async () => {
      deliveries += 1;
      throw new Error("the disk is full");
    },
  });
  await assert.rejects(exec.finished);
  assert.equal(await runForExit(channel, "true"), 0);
  assert.equal(deliveries, 1);
  channel.close();
});

test("a command that prepares a guest and never ends is killed at its deadline, and at the caller's cancel", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const never = `echo $$ >${agent.workspace}/pid; exec sleep 1000`;
  assert.equal(await runBriefly(channel, never, { timeoutMs: 500 }), null);
  const dead = `while kill -0 $(cat ${agent.workspace}/pid); do sleep 0.01; done`;
  assert.equal(await runBriefly(channel, dead, { timeoutMs: 10_000 }), 0, "it is dead");
  const cancel = new AbortController();
  const running = runBriefly(channel, never, { signal: cancel.signal });
  cancel.abort();
  await assert.rejects(running, { name: "AbortError" });
  assert.equal(await runBriefly(channel, "true", { signal: new AbortController().signal }), 0);
  channel.close();
});
