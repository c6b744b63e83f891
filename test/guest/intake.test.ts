import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { buildFrame, buildSync, FrameParser } from "../../src/guest/frames.js";
import { Intake } from "../../src/guest/intake.js";
import { frameType } from "../../src/guest/messages.js";
import { connectUnix } from "../../src/host/socket.js";

const nonce = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
const back = Buffer.from(buildSync(nonce).subarray(-32).toString("latin1").replace("SYNC", "BACK"), "latin1");
const empty = buildFrame({ type: frameType.window, stream: 1, payload: Buffer.alloc(0) }, nonce.subarray(0, 4));

/** A connection whose other end sends these bytes. */
async function connected(t: TestContext, bytes: Buffer): Promise<Socket> {
  const path = join(tmpdir(), `pi-${process.pid}.sock`);
  const server = createServer((peer) => void peer.end(bytes));
  server.listen(path);
  await once(server, "listening");
  const socket = await connectUnix(path);
  t.after(() => {
    socket.destroy();
    server.close();
  });
  return socket;
}

test("a flood of small frames: few are handled in each turn of the event loop, and no more than the allowance in all", async (t) => {
  const FRAMES = 40_000;
  const socket = await connected(t, Buffer.concat([back, ...Array.from({ length: FRAMES }, () => empty)]));
  let [handled, most, before] = [0, 0, 0];
  const started = performance.now();
  const intake = new Intake(
    socket,
    new FrameParser(nonce),
    () => (handled += 1),
    (error) => assert.fail(String(error)),
  );
  for (;;) {
    if (handled === FRAMES) break;
    await turn();
    most = Math.max(most, handled - before);
    before = handled;
    const earned = 10_000 + (performance.now() - started) * 100;
    assert.ok(handled <= earned + 128, `${handled} frames were handled, ${earned} are allowed`);
  }
  intake.close();
  // One turn may read the socket and then go on with what came.
  assert.ok(most <= 128, `${most} frames in one turn`);
});

test("what is broken is told once, and nothing behind it is handled", async (t) => {
  const socket = await connected(t, Buffer.concat([back, empty, Buffer.alloc(64, 0xff), empty]));
  const handled: number[] = [];
  const broken = await new Promise<unknown>((resolve) => {
    const intake = new Intake(
      socket,
      new FrameParser(nonce),
      ({ type }) => handled.push(type),
      (error) => {
        intake.close();
        resolve(error);
      },
    );
  });
  assert.deepEqual([(broken as { code: string }).code, handled], ["AGENT_PROTOCOL", [frameType.window]]);
});
