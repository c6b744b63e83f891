import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { test } from "node:test";

import type { Handler } from "../../src/core/core.js";
import { connectUnix } from "../../src/host/socket.js";
import { until } from "../client/scratch.js";
import { Listening, resultOf, runInShell } from "./listening.js";

interface Answered {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly lines: { event?: string; result?: { exit_code: number }; error?: { code: string; message: string } }[];
}

interface Post {
  readonly body?: string;
  readonly path?: string;
  readonly method?: string;
  readonly version?: string;
}

function open(daemon: Listening, { path = "/v1/vm/run", method = "POST", version }: Post): ClientRequest {
  const headers = version === undefined ? {} : { "pyro-version": version };
  return request({ socketPath: daemon.home.daemonSocket, path, method, headers, agent: false });
}

async function answerOf(sent: ClientRequest): Promise<Answered> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
  });
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  const lines = text.split("\n").filter((line) => line !== "");
  return {
    status: response.statusCode,
    type: response.headers["content-type"],
    lines: lines.map((line) => JSON.parse(line) as Answered["lines"][number]),
  };
}

function post(daemon: Listening, options: Post): Promise<Answered> {
  const sent = open(daemon, options);
  sent.end(options.body ?? "");
  return answerOf(sent);
}

const run = (command: string) => JSON.stringify({ environment: "debian:12", command });

test("malformed requests return an error code and an HTTP status", async (t) => {
  await using daemon = new Listening(runInShell);
  const cases: Record<string, Post & { code: string; status: number }> = {
    "no JSON": { body: "{", code: "INVALID_ARGUMENT", status: 400 },
    "no object": { body: "[]", code: "INVALID_ARGUMENT", status: 400 },
    "a field missing": { body: "{}", code: "INVALID_ARGUMENT", status: 400 },
    "an unknown field": { body: '{"environment":"e","command":"c","x":1}', code: "INVALID_ARGUMENT", status: 400 },
    "a line too long": { body: `"${"x".repeat(2_000_000)}"`, code: "INVALID_ARGUMENT", status: 400 },
    "an unknown route": { path: "/v1/vm/fly", code: "NOT_FOUND", status: 404 },
    "another method": { method: "GET", code: "NOT_FOUND", status: 404 },
    "an error before any output": {
      body: JSON.stringify({ environment: "unknown", command: "true" }),
      code: "ENVIRONMENT_UNKNOWN",
      status: 404,
    },
  };
  for (const [what, { code, status, ...options }] of Object.entries(cases)) {
    await t.test(what, async () => {
      const answered = await post(daemon, options);
      assert.equal(answered.status, status);
      assert.equal(answered.type, "application/json");
      assert.equal(answered.lines[0]?.error?.code, code);
    });
  }
});

test("a wrong field is named with its limit", async () => {
  await using daemon = new Listening(runInShell);
  const body = JSON.stringify({ environment: "e", command: "c", vcpu_count: 0 });
  const { lines } = await post(daemon, { body });
  assert.match(lines[0]?.error?.message ?? "", /^vcpu_count: .*1/);
});

test("a call whose body does not end in a newline, as from curl, gets an answer in lines", async () => {
  await using daemon = new Listening(runInShell);
  const { status, type, lines } = await post(daemon, { body: run("echo hi; cat; exit 3") });
  assert.equal(status, 200);
  assert.equal(type, "application/x-ndjson");
  assert.deepEqual(lines.at(-1)?.result, { ...resultOf(3) });
});

test("a caller that goes away aborts its call", async () => {
  let aborted = false;
  let started = false;
  await using daemon = new Listening(async (_core, _input, call) => {
    started = true;
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    aborted = true;
    call.signal.throwIfAborted();
    return resultOf(0);
  });
  const sent = open(daemon, {});
  sent.on("error", () => {});
  sent.write(`${run("sleep 60")}\n`);
  await until("the call has started", () => started);
  sent.destroy();
  await until("the call is aborted", () => aborted);
});

test("a cancelled call still returns its result", async () => {
  await using daemon = new Listening(runInShell);
  const sent = open(daemon, {});
  sent.write(`${run("sleep 60")}\n{"cancel":true}\n`);
  const { lines } = await answerOf(sent);
  sent.destroy();
  assert.equal(lines.at(-1)?.event, "result");
});

test("the first cancel interrupts a command that runs, the second aborts the call", async () => {
  const interrupts: string[] = [];
  let isRunning = false;
  let wasAborted = false;
  await using daemon = new Listening(async (_core, _input, call) => {
    const interrupted = new Promise<void>((resolve) =>
      call.onInterrupt((signal) => {
        interrupts.push(signal);
        resolve();
      }),
    );
    isRunning = true;
    await interrupted;
    wasAborted = call.signal.aborted;
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    return resultOf(0);
  });
  const sent = open(daemon, {});
  sent.write(`${run("sleep 60")}\n`);
  await until("it runs", () => isRunning);
  sent.write(`{"cancel":true,"signal":"TERM"}\n`);
  await until("it is interrupted", () => interrupts.length > 0);
  sent.write(`{"cancel":true}\n`);
  const { lines } = await answerOf(sent);
  sent.destroy();
  assert.deepEqual([interrupts, wasAborted, lines.at(-1)?.event], [["TERM"], false, "result"]);
});

test("a caller that goes away after its cancel aborts the call at once", async () => {
  let step: "none" | "running" | "interrupted" | "aborted" = "none";
  await using daemon = new Listening(async (_core, _input, call) => {
    call.onInterrupt(() => (step = "interrupted"));
    step = "running";
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    // Not the end of the grace, whose message is another.
    assert.match(String(call.signal.reason), /The caller disconnected/);
    step = "aborted";
    return resultOf(0);
  });
  const sent = open(daemon, {});
  sent.on("error", () => {});
  sent.write(`${run("sleep 60")}\n`);
  await until("it runs", () => step === "running");
  sent.write(`{"cancel":true}\n`);
  await until("it is interrupted", () => step === "interrupted");
  sent.destroy();
  await until("the call is aborted", () => step === "aborted");
});

test("a cancel line with another signal aborts the call", async () => {
  await using daemon = new Listening(runInShell);
  const { lines } = await post(daemon, { body: `${run("sleep 60")}\n{"cancel":true,"signal":"KILL"}\n` });
  assert.equal(lines.at(-1)?.result?.exit_code, 137);
});

test("the daemon does not read standard input that the command does not read", async () => {
  let stop: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  await using daemon = new Listening(async () => {
    await stopped;
    return resultOf(0);
  });
  const sent = open(daemon, {});
  sent.write(`${run("sleep 60")}\n`);
  const line = `${JSON.stringify({ stdin: Buffer.alloc(60_000).toString("base64") })}\n`;
  let sentBytes = 0;
  while (sent.write(line) && sentBytes < 100_000_000) sentBytes += line.length;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(sentBytes < 10_000_000, "the daemon took it all");
  stop?.();
  assert.equal((await answerOf(sent)).lines.at(-1)?.result?.exit_code, 0);
  sent.destroy();
});

test("a client of another version: an idle daemon ends, a busy one refuses the call", async (t) => {
  await t.test("idle", async () => {
    await using daemon = new Listening(runInShell);
    const { status, lines } = await post(daemon, { body: run("true"), version: "9.9.9" });
    assert.equal(status, 409);
    assert.match(JSON.stringify(lines[0]), /9\.9\.9.*"restarting":true/);
    await daemon.lifetime.ended;
  });
  await t.test("busy", async () => {
    await using daemon = new Listening(runInShell);
    daemon.vmsInUse = 1;
    const { lines } = await post(daemon, { body: run("true"), version: "9.9.9" });
    assert.match(JSON.stringify(lines[0]), /DAEMON_VERSION.*"restarting":false/);
    daemon.vmsInUse = 0;
    const { lines: own } = await post(daemon, { body: run("true") });
    assert.equal(own.at(-1)?.result?.exit_code, 0);
  });
});

test("the daemon stays while a VM is in use, and ends when idle", async () => {
  await using daemon = new Listening(runInShell, { idleMs: 20 });
  daemon.vmsInUse = 1;
  const { lines } = await post(daemon, { body: run("sleep 0.2") });
  assert.equal(lines.at(-1)?.result?.exit_code, 0);
  daemon.vmsInUse = 0;
  await daemon.lifetime.ended;
});

test("a request body that ends early is logged as a disconnected client, at every point of the body", async () => {
  const push: Handler<"task.sync.push"> = async (_core, _input, call) => {
    for await (const _ of call.upload ?? []);
    throw new Error("the upload has no end");
  };
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": push } });
  const pushInput = JSON.stringify({ task_id: "task-0123456789ab", source_path: "/src" });
  const cut: [path: string, body: string][] = [
    ["/v1/vm/run", ""],
    ["/v1/vm/run", '{"environment":'],
    ["/v1/vm/run", `${run("cat")}\n`],
    ["/v1/vm/run", `${run("cat")}\n{"stdin":`],
    ["/v1/task/sync/push", '{"task_id":'],
    ["/v1/task/sync/push", `${pushInput}\nabc`],
  ];
  const calls = () =>
    readFileSync(daemon.home.daemonLog, "utf8")
      .split("\n")
      .filter((line) => line.includes('"msg":"call"'))
      .map((line) => JSON.parse(line) as { level: number; code?: string; err?: unknown });
  for (const [count, [path, body]] of cut.entries()) {
    const socket = await connectUnix(daemon.home.daemonSocket);
    socket.write(`POST ${path} HTTP/1.1\r\nhost: pyro\r\ncontent-length: 1000\r\n\r\n${body}`);
    await until("the request has begun", () => daemon.requests > count);
    socket.destroy();
    await until("the call is logged", () => calls().length > count);
  }
  assert.deepEqual(
    calls().map(({ level, code, err }) => [level, code ?? "ok", err]),
    cut.map(([, body]) => [30, body.endsWith('"cat"}\n') || body.endsWith('{"stdin":') ? "ok" : "ABORTED", undefined]),
  );
});
