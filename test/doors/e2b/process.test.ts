import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { renderPrelude, takeReport } from "../../../src/doors/e2b/process/prelude.js";
import { until } from "../../client/scratch.js";
import { envelope, me, readEnvelopes, Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
before(async () => {
  served = await Served.open();
  sandbox = await served.create({ envVars: { SHARED: "sandbox", OWN: "sandbox" } });
});
after(() => served[Symbol.asyncDispose]());

/** Starts a line of bash, and waits until it is listed. */
async function start(line: string, fields: object = {}) {
  const tag = `t${Math.trunc(performance.now() * 1000)}`;
  const process = { cmd: "/bin/bash", args: ["-c", line] };
  const stream = sandbox.stream("process.Process/Start", { process, tag, ...fields });
  for (;;) {
    const { body } = await sandbox.call("process.Process/List");
    const found = body.processes.find((each: { tag?: string }) => each.tag === tag);
    if (found) return { stream, pid: found.pid as number, tag };
    await sleep(10);
  }
}

test("start: streams, exit status, and the process's own id", async () => {
  const { pid, stdout, stderr, exit, end } = await sandbox.run('echo "$$"; echo err >&2; exit 3');
  assert.equal(stdout, `${pid}\n`);
  assert.equal(stderr, "err\n");
  assert.deepEqual(exit, { exitCode: 3, exited: true, status: "exit status 3", error: "exit status 3" });
  assert.deepEqual(end, {});
});

test("start: bytes that look like a report are output", async () => {
  const { stdout } = await sandbox.run("printf '\\0019999\\002x'");
  assert.equal(stdout, "\u00019999\u0002x");
});

test("start: variables of the request win over the sandbox's, and nothing of the shell's is left", async () => {
  const process = { cmd: "/usr/bin/env", args: [], envs: { SHARED: "request" } };
  const { messages } = await sandbox.stream("process.Process/Start", { process, stdin: false });
  const text = messages.map(({ event }) => Buffer.from(event.data?.stdout ?? "", "base64").toString()).join("");
  const lines = text.trim().split("\n");
  for (const line of [
    "SHARED=request",
    "OWN=sandbox",
    "E2B_SANDBOX=true",
    `E2B_SANDBOX_ID=${sandbox.id}`,
    `USER=${me}`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(!lines.some((line) => /^(SHELL|LANG)=/.test(line)));
});

test("start: a missing directory or program is invalid_argument, an unknown user unauthenticated", async () => {
  const { end } = await sandbox.run("true", { process: { cmd: "/bin/bash", args: [], cwd: "/nope" } });
  assert.deepEqual(end.error, { code: "invalid_argument", message: "cwd '/nope' does not exist" });
  const missing = await sandbox.run("true", { process: { cmd: "no-such-program", args: [] } });
  assert.equal(missing.end.error.code, "invalid_argument");
  const authorization = `Basic ${Buffer.from("ghost:").toString("base64")}`;
  const ghost = await sandbox.run("true", {}, { authorization });
  assert.deepEqual(ghost.end.error, { code: "unauthenticated", message: "invalid username: 'ghost'" });
});

test("start: a line longer than a command of pyro may be arrives whole", async () => {
  const { stdout } = await sandbox.run(`: ${"x".repeat(100_000)}; echo done`);
  assert.equal(stdout, "done\n");
});

test("time-out: ends the stream with deadline_exceeded and kills the process", async () => {
  const { end, pid } = await sandbox.run("sleep 100; true", {}, { "connect-timeout-ms": "300" });
  assert.equal(end.error.code, "deadline_exceeded");
  while (
    (await sandbox.call("process.Process/List")).body.processes.some((each: { pid: number }) => each.pid === pid)
  ) {
    await sleep(10);
  }
});

test("keepalive: comes when nothing else was sent for the interval", async () => {
  const { messages } = await sandbox.stream(
    "process.Process/Start",
    { process: { cmd: "/bin/sleep", args: ["4"] }, stdin: false },
    { "keepalive-ping-interval": "1" },
  );
  assert.ok(messages.some(({ event }) => event.keepalive !== undefined));
});

test("input: by pid and tag, in a stream, closed; the wrong kind is refused", async () => {
  const { stream, pid, tag } = await start("cat");
  const stdin = (text: string) => ({ stdin: Buffer.from(text).toString("base64") });
  const send = (process: object, input: object) => sandbox.call("process.Process/SendInput", { process, input });
  assert.equal((await send({ pid }, stdin("by pid\n"))).status, 200);
  assert.equal((await send({ tag }, stdin("by tag\n"))).status, 200);
  assert.equal((await send({ pid }, { pty: "eA==" })).body.code, "internal");
  assert.equal((await send({ pid }, {})).body.code, "unimplemented");
  assert.equal((await send({ pid: 999_999 }, stdin("x"))).body.code, "not_found");
  const messages = [{ start: { process: { pid } } }, { data: { input: stdin("streamed\n") } }, { keepalive: {} }];
  const body = Buffer.concat(messages.map(envelope));
  const headers = { "content-type": "application/connect+json" };
  const answer = await sandbox.ask("POST", "/process.Process/StreamInput", { body, headers });
  assert.deepEqual(readEnvelopes(answer.bytes), { messages: [{}], end: {} });
  assert.equal((await sandbox.call("process.Process/CloseStdin", { process: { pid } })).status, 200);
  assert.equal((await sandbox.call("process.Process/CloseStdin", { process: { pid } })).status, 500);
  const text = (await stream).messages.map(({ event }) => Buffer.from(event.data?.stdout ?? "", "base64").toString());
  assert.equal(text.join(""), "by pid\nby tag\nstreamed\n");
});

test("input: a mebibyte arrives whole, and without stdin the process reads an end", async () => {
  const { stream, pid } = await start("wc -c");
  const input = { stdin: Buffer.alloc(1_048_576, 120).toString("base64") };
  assert.equal((await sandbox.call("process.Process/SendInput", { process: { pid }, input })).status, 200);
  await sandbox.call("process.Process/CloseStdin", { process: { pid } });
  const [, { event }] = (await stream).messages;
  assert.equal(Buffer.from(event.data.stdout, "base64").toString().trim(), "1048576");
  assert.equal((await sandbox.run("wc -c")).stdout.trim(), "0");
});

test("input: a process that ends before it has read everything answers not_found", async () => {
  const { stream, pid } = await start("exec sleep 100");
  const process = { pid };
  const input = { stdin: Buffer.alloc(1_048_576, 120).toString("base64") };
  const sent = [1, 2].map(() => sandbox.call("process.Process/SendInput", { process, input }));
  const body = Buffer.concat([{ start: { process } }, { data: { input } }].map(envelope));
  const headers = { "content-type": "application/connect+json" };
  const streamed = sandbox.ask("POST", "/process.Process/StreamInput", { body, headers });
  await sandbox.run("true");
  await sandbox.call("process.Process/SendSignal", { process, signal: "SIGNAL_SIGKILL" });
  await stream;
  for (const answer of sent) assert.equal((await answer).body.code, "not_found");
  assert.equal(readEnvelopes((await streamed).bytes).end.error.code, "not_found");
});

test("connect: several subscribers get what comes after, and the end is kept for a while", async () => {
  const { stream, pid } = await start("read line; echo $line");
  const followers = [1, 2].map(() => sandbox.stream("process.Process/Connect", { process: { pid } }));
  await sleep(100);
  await sandbox.call("process.Process/SendInput", {
    process: { pid },
    input: { stdin: Buffer.from("seen\n").toString("base64") },
  });
  for (const { messages } of await Promise.all([stream, ...followers])) {
    assert.deepEqual(messages[0].event, { start: { pid } });
    assert.equal(messages.at(-1).event.end.status, "exit status 0");
  }
  const late = await sandbox.stream("process.Process/Connect", { process: { pid } });
  assert.equal(late.messages.at(-1).event.end.exitCode, 0);
  const unknown = await sandbox.stream("process.Process/Connect", { process: { pid: 999_999 } });
  assert.equal(unknown.end.error.code, "not_found");
});

test("signal: reaches the process alone, and its end names it", async () => {
  for (const [signal, status] of [
    ["SIGNAL_SIGKILL", "signal: killed"],
    ["SIGNAL_SIGTERM", "signal: terminated"],
  ] as const) {
    const { stream, pid } = await start("exec sleep 100");
    assert.equal((await sandbox.call("process.Process/SendSignal", { process: { pid }, signal })).status, 200);
    const { end } = (await stream).messages.at(-1).event;
    assert.deepEqual(end, { exitCode: -1, exited: false, status, error: status });
    const again = await sandbox.call("process.Process/SendSignal", { process: { pid }, signal });
    assert.equal(again.body.code, "not_found");
  }
});

test("kill of the sandbox: cuts its streams, and then every path is 502", async () => {
  const victim = await served.create();
  const running = victim.run("sleep 100");
  running.catch(() => {});
  while ((await victim.call("process.Process/List")).body.processes.length === 0) await sleep(10);
  assert.equal((await served.control("DELETE", `/sandboxes/${victim.id}`)).status, 204);
  await assert.rejects(running);
  assert.equal((await victim.ask("GET", "/health")).status, 502);
});

test("two sandboxes: their calls and processes do not mix", async () => {
  const other = await served.create({ envVars: { OWN: "other" } });
  const [mine, theirs] = await Promise.all([sandbox.run("echo $OWN"), other.run("echo $OWN")]);
  assert.deepEqual([mine.stdout, theirs.stdout], ["sandbox\n", "other\n"]);
  const { pid, stream } = await start("sleep 100");
  const foreign = await other.call("process.Process/SendSignal", { process: { pid }, signal: "SIGNAL_SIGKILL" });
  assert.equal(foreign.body.code, "not_found");
  await sandbox.call("process.Process/SendSignal", { process: { pid }, signal: "SIGNAL_SIGKILL" });
  await stream;
});

test("signals: unknown ones are unimplemented, also names of JavaScript's own, and the process runs on", async () => {
  const running = sandbox.run("read line; echo $line", { stdin: true, tag: "signals" });
  const process = { tag: "signals" };
  const send = (signal: string) => sandbox.call("process.Process/SendSignal", { process, signal });
  await until("the process runs", async () => (await send("NOPE")).body.code === "unimplemented");
  for (const signal of ["SIGNAL_SIGHUP", "constructor", "toString"])
    assert.equal((await send(signal)).body.code, "unimplemented", signal);
  await sandbox.call("process.Process/SendInput", {
    process,
    input: { stdin: Buffer.from("alive\n").toString("base64") },
  });
  assert.equal((await running).stdout, "alive\n");
});

test("input for a process that does not read it is refused above a limit, and the process still ends well", async () => {
  const go = join(served.directory, "go");
  const line = `until [ -e ${go} ]; do sleep 0.05; done; exec cat >/dev/null`;
  const running = sandbox.run(line, { stdin: true, tag: "full" });
  const process = { tag: "full" };
  await until("the process runs", async () =>
    (await sandbox.call("process.Process/List")).body.processes.some(({ tag }: { tag?: string }) => tag === "full"),
  );
  const stdin = Buffer.alloc(11_000_000).toString("base64");
  const sending = Array.from({ length: 12 }, () =>
    sandbox.call("process.Process/SendInput", { process, input: { stdin } }),
  );
  // One that waits is answered when the process reads.
  assert.equal((await Promise.race(sending)).status, 429);
  writeFileSync(go, "");
  const codes = (await Promise.all(sending)).map(({ status }) => status);
  assert.ok(codes.includes(200) && codes.includes(429), codes.join());
  assert.deepEqual(
    codes.filter((code) => code !== 200 && code !== 429),
    [],
  );
  assert.equal((await sandbox.call("process.Process/CloseStdin", { process })).status, 200);
  assert.equal((await running).exit.exitCode, 0);
});

test("methods: unknown ones are unimplemented, also names of JavaScript's own", async () => {
  for (const method of ["Nope", "constructor", "__proto__"]) {
    assert.equal((await sandbox.call(`process.Process/${method}`)).body.code, "unimplemented");
  }
});

test("prelude: quotes every word, and a report may come in pieces", () => {
  const line = renderPrelude({ cmd: "a'b", args: ["$(x)"], cwd: "d e", user: "user", names: ["LANG"] });
  assert.ok(line.startsWith("cd ~user/'d e' "));
  assert.ok(line.endsWith(`exec 'a'\\''b' '$(x)'`), line);
  assert.ok(!line.includes("unset LANG") && line.includes("unset SHELL TERM"));
  assert.deepEqual(takeReport(Buffer.from("\u000112")), { report: null, rest: Buffer.from("\u000112") });
  assert.deepEqual(takeReport(Buffer.from("\u000112\u0002out")), { report: 12, rest: Buffer.from("out") });
});
