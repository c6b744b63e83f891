import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";

import { exchange } from "../../src/client/exchange.js";
import { PyroError } from "../../src/contract/errors.js";
import { streamProtocol } from "../../src/contract/wire.js";
import type { Handler } from "../../src/core/core.js";
import { abortable } from "../../src/host/abortable.js";
import { serveUnix } from "../../src/host/http-server.js";
import { openUnix } from "../../src/host/socket.js";
import { buildHeader, buildWindow, FrameReader, frameType, streamChannel } from "../../src/host/stream-frames.js";
import { Scratch, until } from "../client/scratch.js";
import { Listening, resultOf, runInShell } from "./listening.js";

const types = new Set<number>(Object.values(frameType));
const run = { environment: "debian:12", command: "cat" };

function build(type: number, channel: number, payload: string | object): Buffer {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  return Buffer.concat([buildHeader(type, channel, bytes.length), bytes]);
}

/** An upgraded connection, without a client around it. */
async function openStream({ home }: Listening, route = "/v1/vm/run"): Promise<Socket> {
  const headers = { connection: "Upgrade", upgrade: streamProtocol };
  const sent = request({ socketPath: home.daemonSocket, path: route, method: "POST", headers, agent: false });
  sent.end();
  return new Promise((resolve) => sent.once("upgrade", (_response, socket: Socket) => resolve(socket)));
}

/** The daemon's answer to frames: the last frame's type and content. */
async function answerTo(
  daemon: Listening,
  ...frames: Buffer[]
): Promise<{ type: number; code?: string; exit_code?: number }> {
  const socket = await openStream(daemon);
  const reader = new FrameReader(types, Infinity);
  socket.write(Buffer.concat(frames));
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (const { type, payload } of reader.read(chunk)) {
      if (type !== frameType.result && type !== frameType.error) continue;
      socket.destroy();
      return { type, ...(JSON.parse(payload.toString()) as object) };
    }
  }
  throw new Error("the daemon gave no answer");
}

test("an upgrade to another protocol, or of an unknown route, is refused in plain HTTP", async () => {
  await using daemon = new Listening(runInShell);
  const ask = async (path: string, upgrade: string) => {
    const headers = { connection: "Upgrade", upgrade };
    const sent = request({ socketPath: daemon.home.daemonSocket, path, method: "POST", headers, agent: false });
    sent.end();
    const response = await new Promise<IncomingMessage>((resolve) => sent.once("response", resolve));
    const text = (await response.toArray()).join("");
    return [response.statusCode, (JSON.parse(text) as { error: { code: string } }).error.code];
  };
  assert.deepEqual(await ask("/v1/vm/run", "websocket"), [400, "INVALID_ARGUMENT"]);
  assert.deepEqual(await ask("/v1/vm/run", "pyro-stream/2"), [400, "INVALID_ARGUMENT"]);
  assert.deepEqual(await ask("/v1/unknown", streamProtocol), [404, "NOT_FOUND"]);
  assert.ok(daemon.lifetime.isIdle());
});

test("a client that is gone before its upgrade is refused does not harm the daemon", async () => {
  await using daemon = new Listening(runInShell);
  for (let round = 0; round < 20; round += 1) {
    const socket = connect(daemon.home.daemonSocket);
    await once(socket, "connect");
    socket.write("POST /v1/unknown HTTP/1.1\r\nHost: pyro\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    socket.destroy();
  }
  (await openStream(daemon)).destroy();
});

test("frames that break a rule end the call with INVALID_ARGUMENT", async () => {
  await using daemon = new Listening(runInShell);
  const input = build(frameType.input, 0, run);
  for (const frames of [
    [build(frameType.data, streamChannel.stdin, "early")],
    [build(frameType.input, 0, "{")],
    [input, input],
    [input, build(99, 0, "")],
    [input, build(frameType.result, 0, "{}")],
    [input, build(frameType.data, streamChannel.stdin, "x".repeat(2_000_000))],
    [input, build(frameType.data, streamChannel.stdout, "x")],
    [input, build(frameType.end, streamChannel.source, "")],
    [input, build(frameType.window, streamChannel.stdout, "12345678"), buildWindow(streamChannel.stdout, 1)],
    [input, build(frameType.cancel, 0, { signal: "KILL" })],
  ]) {
    const { type, code } = await answerTo(daemon, ...frames);
    assert.deepEqual([type, code], [frameType.error, "INVALID_ARGUMENT"]);
  }
  await until("every call has ended", () => daemon.lifetime.isIdle());
});

test("a connection that ends in the middle of a frame aborts its call", async () => {
  const ended: string[] = [];
  const waiting: Handler<"vm.run"> = async (_core, _input, call) => {
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    ended.push(PyroError.from(call.signal.reason).code);
    throw call.signal.reason;
  };
  await using daemon = new Listening(waiting);
  for (const half of [Buffer.alloc(0), Buffer.from([1, 0, 0]), build(frameType.cancel, 0, "{}").subarray(0, 9)]) {
    const socket = await openStream(daemon);
    socket.end(Buffer.concat([build(frameType.input, 0, run), half]));
    socket.resume();
  }
  await until("every call has ended", () => ended.length === 3 && daemon.lifetime.isIdle());
  assert.deepEqual(ended, ["ABORTED", "ABORTED", "ABORTED"]);
});

test("a client that reads nothing receives no more output than its window", async () => {
  let emittedBytes = 0;
  let isWaiting = false;
  const loud: Handler<"vm.run"> = async (_core, _input, call) => {
    while (!call.signal.aborted) {
      isWaiting = true;
      await call.emit({ event: "stdout", data: Buffer.alloc(65_536) });
      isWaiting = false;
      emittedBytes += 65_536;
    }
    return resultOf(0);
  };
  await using daemon = new Listening(loud);
  const socket = await openStream(daemon);
  socket.resume();
  socket.write(Buffer.concat([build(frameType.input, 0, run), buildWindow(streamChannel.stdout, 300_000)]));
  await until("the window is used up", () => emittedBytes === 4 * 65_536 && isWaiting);
  socket.pause();
  // An unlimited window does not make the daemon hold more than the connection does.
  socket.write(buildWindow(streamChannel.stdout, Number.MAX_SAFE_INTEGER));
  await until("the connection is full", () => emittedBytes > 5 * 65_536 && isWaiting);
  assert.ok(emittedBytes < 4_000_000);
  socket.destroy();
  await until("the call has ended", () => daemon.lifetime.isIdle());
});

test("standard input stays unread when the connection ends before the daemon requests it", async () => {
  await using scratch = new Scratch();
  const path = `${scratch.directory}/socket`;
  const server = await serveUnix(
    path,
    () => {},
    (_request, socket) => {
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamProtocol}\r\n\r\n`);
    },
  );
  const stdin = (async function* () {
    yield Buffer.from("input");
  })();
  const options = {
    connect: () => openUnix(path),
    route: "/",
    headers: {},
    input: {},
    source: null,
    takesStdin: true,
    stdin,
  };
  const nothing = { signal: undefined, killSignal: undefined, endSignal: undefined, onEvent: undefined };
  await assert.rejects(exchange({ ...options, ...nothing }), { code: "ECONNRESET" });
  server.close();
  assert.deepEqual(await stdin.next(), { done: false, value: Buffer.from("input") });
});

test("sizes of the caller's terminal reach the handler, also sizes from before it was ready; an invalid size ends the call", async () => {
  let last: unknown;
  const second = { rows: 1, cols: 1000 };
  const handle: Handler<"vm.run"> = async (_core, _input, call) => {
    const sized = new Promise<void>((resolve) => {
      call.onResize((size) => {
        last = size;
        if (size.cols === second.cols) resolve();
      });
    });
    await abortable(sized, call.signal);
    return resultOf(0);
  };
  await using daemon = new Listening(handle);
  const resize = (size: object) => build(frameType.resize, 0, size);
  const input = build(frameType.input, 0, run);
  const first = { rows: 50, cols: 132 };
  assert.equal((await answerTo(daemon, input, resize(first), resize(second))).type, frameType.result);
  assert.deepEqual(last, second);
  for (const wrong of [{ rows: 0, cols: 80 }, { rows: 24, cols: 1001 }, { rows: 24 }, {}]) {
    assert.equal((await answerTo(daemon, input, resize(wrong))).code, "INVALID_ARGUMENT");
  }
});
