import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";

import { FrameStream } from "../../src/host/frame-stream.js";
import type { Socket } from "../../src/host/socket.js";
import { buildHeader, buildWindow, frameType, streamChannel, type StreamFrame } from "../../src/host/stream-frames.js";
import { fc } from "../property.js";

const types = new Set<number>(Object.values(frameType));
const { stdout } = streamChannel;

/** A stream, and the other end of its connection. */
function open(head: Buffer = Buffer.alloc(0)) {
  const [ours, theirs] = duplexPair() as unknown as [Socket, Socket];
  return { stream: new FrameStream(ours, { head, types, maxMessageBytes: 1_000 }), socket: theirs };
}

function openBoth() {
  const { stream, socket } = open();
  return [stream, new FrameStream(socket, { head: Buffer.alloc(0), types, maxMessageBytes: 1_000 })] as const;
}

async function readAll(stream: FrameStream): Promise<StreamFrame[]> {
  const frames: StreamFrame[] = [];
  for await (const frame of stream.frames()) frames.push(frame);
  return frames;
}

test("windows: every byte arrives in order, and never more than was granted is under way", async () => {
  const piece = fc.integer({ min: 1, max: 200_000 });
  const property = fc.asyncProperty(
    fc.array(piece, { maxLength: 12 }),
    fc.integer({ min: 65_536, max: 300_000 }),
    async (pieces, window) => {
      const [sender, receiver] = openBoth();
      const reading = readAll(sender);
      const sent = pieces.map((length, index) => Buffer.alloc(length, index));
      const sending = (async () => {
        for (const bytes of sent) await sender.sendData(stdout, bytes);
        sender.sendEnd(stdout);
      })();
      const received: Buffer[] = [];
      let heldBytes = 0;
      receiver.grant(stdout, window);
      for await (const frame of receiver.frames()) {
        if (frame.type === frameType.end) break;
        received.push(frame.payload);
        heldBytes += frame.payload.length;
        assert.ok(heldBytes <= window);
        void setImmediate().then(() => {
          heldBytes -= frame.payload.length;
          receiver.grant(stdout, frame.payload.length);
        });
      }
      await sending;
      assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
      receiver.close();
      sender.close();
      await reading.catch(() => {});
    },
  );
  await fc.assert(property, { numRuns: 30 });
});

test("windows: bytes beyond a window, and a window that moves backwards, are refused", async () => {
  const excess = open(Buffer.concat([buildHeader(frameType.data, stdout, 1), Buffer.from("x")]));
  await assert.rejects(readAll(excess.stream), { code: "INVALID_ARGUMENT" });
  const back = open(Buffer.concat([buildWindow(stdout, 2), buildWindow(stdout, 1)]));
  await assert.rejects(readAll(back.stream), { code: "INVALID_ARGUMENT" });
  const short = open(Buffer.concat([buildHeader(frameType.window, stdout, 1), Buffer.from("x")]));
  await assert.rejects(readAll(short.stream), { code: "INVALID_ARGUMENT" });
});

test("a sender that waits for a window ends when its connection closes or its signal aborts", async () => {
  const { stream, socket } = open();
  const left = new AbortController();
  const aborted = stream.sendData(stdout, Buffer.alloc(1), left.signal);
  left.abort();
  await aborted;
  const waiting = stream.sendData(stdout, Buffer.alloc(1));
  const granted = stream.waitForWindow(stdout);
  stream.close();
  await waiting;
  assert.equal(await granted, false);
  socket.destroy();
});
