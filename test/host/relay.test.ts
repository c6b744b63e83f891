import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { buildHeader, frameType } from "../../src/host/stream-frames.js";
import { until } from "../client/scratch.js";

const program = fileURLToPath(new URL("../../../keeper/build/pyro-relay", import.meta.url));

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pt-relay-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function startRelay(home: string) {
  return spawn(program, { env: { PYRO_HOME: home }, stdio: ["pipe", "pipe", "pipe"] });
}

async function serve(home: string, onConnection: (socket: Socket) => void): Promise<Server> {
  mkdirSync(join(home, "run"), { recursive: true });
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(join(home, "run", "daemon.sock"));
  await once(server, "listening");
  return server;
}

test("relay: waits for the daemon, and carries bytes of any kind both ways until the daemon ends", async () => {
  using scratch = new Directory();
  const relay = startRelay(scratch.path);
  const sent = randomBytes(3_000_000);
  const output = buffer(relay.stdout);
  relay.stdin.write(sent);
  let left = sent.length;
  const server = await serve(scratch.path, (socket) => {
    socket.on("data", (chunk: Buffer) => {
      socket.write(chunk);
      left -= chunk.length;
      if (left === 0) socket.end();
    });
  });
  const [status] = (await once(relay, "close")) as [number];
  assert.equal(status, 0);
  assert.ok((await output).equals(sent));
  server.close();
});

test("relay: ends with its input, and the daemon sees its caller leave", async () => {
  using scratch = new Directory();
  const server = await serve(scratch.path, () => {});
  const connected = once(server, "connection") as Promise<[Socket]>;
  const relay = startRelay(scratch.path);
  const [socket] = await connected;
  const left = once(socket.resume(), "end");
  relay.stdin.end();
  assert.deepEqual(await once(relay, "exit"), [0, null]);
  await left;
  socket.destroy();
  server.close();
});

test("relay: after the last frame of an answer it takes input until the caller closes; after another end it ends itself", async () => {
  const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
  const frame = (type: number, payload: string) =>
    Buffer.concat([buildHeader(type, 0, Buffer.byteLength(payload)), Buffer.from(payload)]);
  const answers: readonly (readonly [last: Buffer, waits: boolean])[] = [
    [frame(frameType.result, '{"done":true}'), true],
    [frame(frameType.error, '{"code":"X"}'), true],
    [frame(frameType.data, "no last frame"), false],
    [frame(frameType.result, "cut off").subarray(0, -1), false],
  ];
  for (const [last, waits] of answers) {
    using scratch = new Directory();
    const sent = Buffer.concat([Buffer.from(head), frame(frameType.data, "some"), frame(frameType.window, ""), last]);
    const server = await serve(scratch.path, (socket) => {
      // One byte at a time: frames are split anywhere.
      for (const byte of sent) socket.write(Buffer.of(byte));
      socket.end();
      socket.resume();
    });
    const relay = startRelay(scratch.path);
    const got: Buffer[] = [];
    relay.stdout.on("data", (chunk: Buffer) => void got.push(chunk));
    const exited = once(relay, "exit");
    if (waits) {
      await until("all is passed on", () => Buffer.concat(got).length === sent.length);
      // The input is larger than a pipe, and is read although the daemon has ended.
      await new Promise((resolve) => relay.stdin.write(Buffer.alloc(1 << 20), resolve));
      assert.equal(relay.exitCode, null);
      relay.stdin.end();
    }
    assert.deepEqual(await exited, [0, null]);
    assert.ok(Buffer.concat(got).equals(sent));
    server.close();
  }
});

test("relay: passes on the last words of a daemon that takes nothing more", async () => {
  using scratch = new Directory();
  const server = await serve(scratch.path, (socket) => {
    socket.once("data", () => {
      socket.end("refused\n");
      socket.destroySoon();
    });
  });
  const relay = startRelay(scratch.path);
  relay.stdin.on("error", () => {});
  relay.stdin.write(randomBytes(1_000_000));
  assert.equal((await buffer(relay.stdout)).toString(), "refused\n");
  server.close();
});
