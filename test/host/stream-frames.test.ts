import assert from "node:assert/strict";
import { test } from "node:test";

import { buildHeader, FrameReader, frameType, type StreamFrame } from "../../src/host/stream-frames.js";
import { fc } from "../property.js";

const everyType = new Set<number>(Object.values(frameType));

const frame = fc.record({
  type: fc.constantFrom(...everyType),
  channel: fc.nat({ max: 3 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function build({ type, channel, payload }: { type: number; channel: number; payload: Uint8Array }): Buffer {
  return Buffer.concat([buildHeader(type, channel, payload.length), payload]);
}

/** Joins adjacent data frames of one channel, since the boundaries of data frames have no meaning. */
function merge(frames: Iterable<StreamFrame>): StreamFrame[] {
  const merged: StreamFrame[] = [];
  for (const next of frames) {
    const last = merged.at(-1);
    if (next.type === frameType.data && next.payload.length === 0) continue;
    if (next.type === frameType.data && last?.type === next.type && last.channel === next.channel) {
      merged[merged.length - 1] = { ...next, payload: Buffer.concat([last.payload, next.payload]) };
    } else merged.push({ ...next, payload: Buffer.from(next.payload) });
  }
  return merged;
}

test("frames: the frames that were sent are read, in whatever pieces the bytes arrive", () => {
  const property = fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 500 })), (sent, cuts) => {
    const bytes = Buffer.concat(sent.map(build));
    const reader = new FrameReader(everyType, 300);
    const read: StreamFrame[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const next = at + (cuts[turn % cuts.length] ?? 1);
      read.push(...reader.read(bytes.subarray(at, next)));
      at = next;
    }
    assert.deepEqual(merge(read), merge(sent.map((each) => ({ ...each, payload: Buffer.from(each.payload) }))));
  });
  fc.assert(property);
});

test("frames: a header that breaks a rule is refused before its payload has come", () => {
  const reserved = buildHeader(frameType.input, 0, 0);
  reserved[6] = 1;
  for (const header of [
    buildHeader(0, 0, 0),
    buildHeader(Math.max(...Object.values(frameType)) + 1, 0, 0),
    buildHeader(frameType.data, 4, 1),
    buildHeader(frameType.input, 0, 301),
    buildHeader(frameType.window, 0, 0xffff_ffff),
    reserved,
  ]) {
    assert.throws(() => [...new FrameReader(everyType, 300).read(header)], { code: "INVALID_ARGUMENT" });
  }
  assert.throws(() => [...new FrameReader(new Set([frameType.data]), 300).read(buildHeader(frameType.result, 0, 0))], {
    code: "INVALID_ARGUMENT",
  });
});
