import assert from "node:assert/strict";
import { test } from "node:test";

import { fc } from "../property.js";

import { PyroError } from "../../src/contract/errors.js";
import {
  buildData,
  buildFrame,
  buildSync,
  buildWindow,
  FrameParser,
  MAX_PAYLOAD_BYTES,
  parseData,
  parseWindow,
  type Frame,
} from "../../src/guest/frames.js";
import { frameType } from "../../src/guest/messages.js";

const nonce = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
const tag = nonce.subarray(0, 4);
/** The answer of an agent to `nonce`: its magic differs from the sync record's in four letters only. */
const back = Buffer.from(buildSync(nonce).subarray(-32).toString("latin1").replace("SYNC", "BACK"), "latin1");

/** The result of the next bytes. */
function parse(parser: FrameParser, bytes: Buffer): Frame[] {
  const parsed: Frame[] = [];
  parser.push(bytes);
  for (let frame = parser.next(); frame !== null; frame = parser.next()) parsed.push(frame);
  return parsed;
}

const frames = fc.array(
  fc
    .tuple(fc.constantFrom(...Object.values(frameType)), fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }))
    .map(([type, stream, bytes]) => ({ type, stream, payload: Buffer.from(bytes) })),
  { maxLength: 8 },
);

test("the parser returns the frames that were sent, however the bytes are cut and whatever came before the answer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), frames, fc.array(fc.nat(2000)), (noise, sent, cuts) => {
      const bytes = Buffer.concat([Buffer.from(noise), back, ...sent.map((frame) => buildFrame(frame, tag))]);
      const parser = new FrameParser(nonce);
      const received: Frame[] = [];
      const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
        (a, b) => a - b,
      );
      for (const [index, place] of places.slice(1).entries()) {
        received.push(...parse(parser, bytes.subarray(places[index], place)));
      }
      assert.deepEqual(received, sent);
    }),
  );
});

test("any bytes from a guest: the parser returns frames or throws AGENT_PROTOCOL", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const parser = new FrameParser(nonce);
      parser.push(back);
      try {
        for (const frame of parse(parser, Buffer.from(bytes))) {
          parseData(frame.payload);
          parseWindow(frame.payload);
        }
      } catch (error) {
        assert.ok(error instanceof PyroError && error.code === "AGENT_PROTOCOL", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("a frame of another session, of an unknown type or of a length beyond the limit is broken", () => {
  const good = { type: frameType.data, stream: 1, payload: Buffer.from("x") };
  const broken = [
    buildFrame(good, Buffer.from("ffff")),
    buildFrame({ ...good, type: 99 }, tag),
    buildFrame({ ...good, type: 0 }, tag),
    Buffer.concat([Buffer.from([1, 0, 1, 0]), Buffer.alloc(8)]),
  ];
  for (const bytes of broken) {
    const parser = new FrameParser(nonce);
    parser.push(back);
    assert.throws(() => parse(parser, bytes), { code: "AGENT_PROTOCOL" });
  }
});

test("a payload that is too long for a frame is the caller's error", () => {
  const frame = { type: frameType.request, stream: 1, payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) };
  assert.throws(() => buildFrame(frame, tag), { code: "INVALID_ARGUMENT" });
});

test("data and windows keep their offsets up to the largest one of a stream", () => {
  const data = { channel: 1, offset: Number.MAX_SAFE_INTEGER, bytes: Buffer.from("abc") };
  assert.deepEqual(parseData(buildData(data)), data);
  const window = { channel: 2, acked: 7, limit: Number.MAX_SAFE_INTEGER };
  assert.deepEqual(parseWindow(buildWindow(window)), window);
  assert.throws(() => parseWindow(buildWindow({ channel: 0, acked: 2, limit: 1 })), { code: "AGENT_PROTOCOL" });
  const beyond = buildData(data);
  beyond.writeBigUInt64LE(2n ** 53n, 1);
  assert.throws(() => parseData(beyond), { code: "AGENT_PROTOCOL" });
});
