import assert from "node:assert/strict";

import {
  buildData,
  buildFrame,
  buildMail,
  buildSync,
  buildWindow,
  buildZeros,
  countMailed,
  FrameParser,
  LETTER_MAX_BYTES,
  parseData,
  parseEof,
  parseMail,
  parseWindow,
  type Frame,
} from "../../../src/guest/frames.js";
import { exit, followed, frameType, hello, response } from "../../../src/guest/messages.js";
import { parseJson } from "../../../src/guest/payload.js";
import { describeRefusal, piecesOf, type FuzzTarget } from "../target.js";

const nonce = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
const tag = nonce.subarray(0, 4);
const back = Buffer.from(buildSync(nonce).subarray(-32).toString("latin1").replace("SYNC", "BACK"), "latin1");

const frame = (type: keyof typeof frameType, stream: number, payload: Buffer | object) =>
  buildFrame(
    {
      type: frameType[type],
      stream,
      payload: Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)),
    },
    tag,
  );
const HELLO = { protocol: 1, agent: "1", mode: "init", kernel: "6.1", woken: true, jobs: [1, 2] };
const ENDED = { exit_code: 0, stdout_bytes: 3, stderr_bytes: 0, duration_ms: 12 };

/** Why a frame is refused, or its type. */
function readPayload(given: Frame): string {
  const { payload, type } = given;
  switch (type) {
    case frameType.data:
      return `data ${parseData(payload).bytes.length > 0}`;
    case frameType.eof:
      return `eof ${parseEof(payload).channel < 4}`;
    case frameType.window:
      return `window ${parseWindow(payload).limit >= 0}`;
    case frameType.mail:
      assert.ok(countMailed(given) <= LETTER_MAX_BYTES);
      return `mail ${parseMail(payload).length > 0}`;
    case frameType.hello:
      return `hello ${parseJson(given, hello).mode}`;
    case frameType.exit:
      return `exit ${parseJson(given, exit).signal}`;
    default:
      return `response ${parseJson(given, response).ok} ${parseJson(given, followed).state}`;
  }
}

function readAll(pieces: Iterable<Buffer>): string[] {
  const parser = new FrameParser(nonce);
  const read: string[] = [];
  parser.push(back);
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (let next = parser.next(); next !== null; next = parser.next()) {
        try {
          read.push(readPayload(next));
        } catch (error) {
          read.push(describeRefusal(error, ["AGENT_PROTOCOL"]));
        }
      }
    }
  } catch (error) {
    read.push(describeRefusal(error, ["AGENT_PROTOCOL"]));
  }
  return read;
}

/** Frames of an agent: the same however they are cut, and each one is parsed or refused as a breach of the protocol. */
export const guestFrames: FuzzTarget = {
  name: "guest-frames",
  seeds: [
    frame("hello", 0, HELLO),
    frame("response", 1, { ok: true, state: "running", stdin_acked: 0 }),
    frame("response", 1, { ok: false, error: { code: "IO", message: "no", errno: "ENOENT", path: "/x" } }),
    frame("exit", 3, ENDED),
    frame("exit", 3, { ...ENDED, exit_code: undefined, signal: "RTMIN+3", oom_killed: true }),
    frame("data", 3, buildData({ channel: 1, offset: 0, bytes: Buffer.from("abc") })),
    frame("eof", 3, buildData({ channel: 1, offset: 3, bytes: Buffer.alloc(0) })),
    frame("window", 3, buildWindow({ channel: 0, acked: 0, limit: 65_536 })),
    frame("mail", 3, buildMail({ channel: 1, offset: 0, at: 0, length: 65_536 })),
    frame("zeros", 3, buildZeros({ channel: 3, offset: 0, length: 4_096 })),
    Buffer.concat([frame("hello", 0, HELLO), frame("exit", 1, ENDED)]),
  ],
  words: [tag, back, '"ok":', "true", "null", '"exit_code":', '{"a":', "[[[[[[[[[", "\\u0000", ...Object.keys(HELLO)],
  run: (input) => {
    const read = readAll([input]);
    assert.deepEqual(readAll(piecesOf(input)), read);
    return read.slice(0, 3).join(", ");
  },
};
