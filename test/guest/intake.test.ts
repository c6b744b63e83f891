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

let connections = 0;

/** A connection whose other end sends these bytes. */
async function connected(t: TestContext, bytes: Buffer): Promise<Socket> {
  const path = join(tmpdir(), `pi-${process.pid}-${(connections += 1)}.sock`);
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

/** How many frames a guest that was quiet may send before it waits for its turn. */
const SAVED = 2_000;
/** Limit for all guests that send much, in frames per millisecond. */
const FRAMES_PER_MS = 100;

test("six guests that flood: each turn of the event loop handles few frames, and all turns together stay within the allowance", async (t) => {
  const [GUESTS, FRAMES] = [6, 12_000];
  const bytes = Buffer.concat([back, ...Array.from({ length: FRAMES }, () => empty)]);
  const handled = Array.from({ length: GUESTS }, () => 0);
  const sockets = await Promise.all(handled.map(() => connected(t, bytes)));
  const started = performance.now();
  const onBroken = (error: unknown) => assert.fail(String(error));
  const intakes = sockets.map(
    (socket, guest) => new Intake(socket, new FrameParser(nonce), () => (handled[guest]! += 1), onBroken),
  );
  const total = () => handled.reduce((sum, frames) => sum + frames, 0);
  let most = 0;
  while (total() < GUESTS * FRAMES) {
    const before = total();
    const haveAllFlooded = handled.every((frames) => frames > SAVED);
    await turn();
    if (haveAllFlooded) most = Math.max(most, total() - before);
    const allowed = GUESTS * SAVED + 1_000 + (performance.now() - started) * FRAMES_PER_MS;
    assert.ok(total() <= allowed + GUESTS * 32, `${total()} frames were handled, ${allowed} are allowed`);
  }
  for (const intake of intakes) intake.close();
  // One turn of the event loop may run a timer and further work.
  assert.ok(most > 0 && most <= 32, `${most} frames in one turn`);
});

test("a guest that was quiet is handled at once while another floods", async (t) => {
  const flood = await connected(t, Buffer.concat([back, ...Array.from({ length: 8_000 }, () => empty)]));
  const honest = await connected(t, Buffer.concat([back, empty]));
  const onBroken = (error: unknown) => assert.fail(String(error));
  let flooded = 0;
  const intakes = [new Intake(flood, new FrameParser(nonce), () => (flooded += 1), onBroken)];
  for (;;) {
    if (flooded >= 2 * SAVED) break;
    await turn();
  }
  const before = await new Promise<number>((resolve) => {
    // Its bytes are in the socket already: they are read in the next turn.
    const at = flooded;
    intakes.push(new Intake(honest, new FrameParser(nonce), () => resolve(flooded - at), onBroken));
  });
  for (const intake of intakes) intake.close();
  assert.ok(before <= 64, `${before} frames of the flood came first`);
});

test("a broken frame is reported once, and no later frame is handled", async (t) => {
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

test("work that the frames of a flooding guest cause is counted, so that less is read", async (t) => {
  const [FRAMES, WORK] = [4_000, 50];
  const socket = await connected(t, Buffer.concat([back, ...Array.from({ length: FRAMES }, () => empty)]));
  const onBroken = (error: unknown) => assert.fail(String(error));
  const handled = { frames: 0 };
  const started = performance.now();
  const intake = new Intake(
    socket,
    new FrameParser(nonce),
    () => {
      handled.frames += 1;
      intake.spend(WORK);
    },
    onBroken,
  );
  while (handled.frames < FRAMES) {
    await turn();
    const allowed = (SAVED + 1_000 + (performance.now() - started) * FRAMES_PER_MS) / WORK;
    assert.ok(handled.frames <= allowed + 32, `${handled.frames} frames were handled, ${allowed} are allowed`);
  }
  intake.close();
});
