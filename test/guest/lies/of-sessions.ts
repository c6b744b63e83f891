import { randomBytes } from "node:crypto";

import { buildFrame } from "../../../src/guest/frames.js";
import { greeting, lie, type Lie } from "./lie.js";
import { HONEST_HELLO, type LyingAgent } from "./lying-agent.js";

const ping = Buffer.from(JSON.stringify({ ok: true }));

function header(length: number, stream: number, type: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(stream, 4);
  bytes.writeUInt32LE(type, 8);
  return bytes;
}

const withHello = (fields: object) => (agent: LyingAgent) => agent.greet({ ...HONEST_HELLO, ...fields });
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

/** Lies about frames, greetings and streams. */
export const liesOfSessions: readonly Lie[] = [
  greeting("hello of another version", withHello({ protocol: 2 })),
  greeting("hello with a job number over u32", withHello({ jobs: [2 ** 32] })),
  greeting("hello with the last job number of u32, after which none is left", withHello({ jobs: [0xffff_ffff] })),
  greeting("hello with a job number of 2^53", withHello({ jobs: [2 ** 53] })),
  greeting("hello with a negative job number", withHello({ jobs: [-1] })),
  greeting("hello with job number 0", withHello({ jobs: [0] })),
  greeting("hello with a broken job number", withHello({ jobs: [1.5] })),
  greeting("hello with 257 jobs", withHello({ jobs: Array.from({ length: 257 }, (_, index) => index + 1) })),
  greeting("hello with a long name", withHello({ agent: "a".repeat(65) })),
  greeting("hello with a mode of its own", withHello({ mode: "host" })),
  greeting("hello with a negative mailbox", withHello({ mailbox_bytes: -1 })),
  greeting("hello with a mailbox of a terabyte", withHello({ mailbox_bytes: 2 ** 40 })),
  greeting("hello that is no JSON", (agent) => agent.greet(Buffer.from("{"))),
  greeting("hello that is nested 9 deep", (agent) =>
    agent.greet({ ...HONEST_HELLO, more: JSON.parse(nested(8)) as object }),
  ),
  greeting(
    "hello with 5,000 fields more",
    (agent) => {
      const more = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, index]));
      agent.greet({ ...HONEST_HELLO, ...more });
    },
    "harmless",
  ),
  greeting("a response in the place of hello", (agent) => agent.greet({ ok: true }, "response", 1)),
  greeting("hello on a stream of its own", (agent) => agent.greet(HONEST_HELLO, "hello", 1)),
  greeting(
    "a response behind hello that answers nothing",
    (agent) => {
      agent.greet();
      agent.ok(1);
    },
    "closed",
  ),
  greeting(
    "an answer to another sync record",
    (agent) => {
      agent.nonce = randomBytes(16);
      agent.greet();
    },
    "not started",
  ),
  greeting(
    "64 MiB of noise in the place of an answer",
    (agent) => void agent.flood(randomBytes(4_096), 64 << 20),
    "not started",
  ),
  lie("stat", "hello twice", (agent) => agent.frame("hello", 0, HONEST_HELLO)),
  lie("stat", "a response on the stream of hello", (agent) => agent.ok(0)),
  lie("stat", "hello on the stream of a request", (agent, stream) => agent.frame("hello", stream, HONEST_HELLO)),
  lie("stat", "a length of 65,537", (agent, stream) => void agent.raw(header(65_537, stream, 3))),
  lie("stat", "a length of 2^32 - 1", (agent, stream) => void agent.raw(header(0xffff_ffff, stream, 3))),
  lie("stat", "a type that does not exist", (agent, stream) => void agent.raw(header(0, stream, 9), agent.tag)),
  lie("stat", "type 0", (agent, stream) => void agent.raw(header(0, stream, 0), agent.tag)),
  lie(
    "stat",
    "a known type with bytes set that must be zero",
    (agent, stream) => void agent.raw(header(0, stream, 0x0100_0003), agent.tag),
  ),
  lie("stat", "the tag of another session", (agent, stream) => {
    agent.raw(buildFrame({ type: 3, stream, payload: ping }, Buffer.from("ffff")));
  }),
  lie("stat", "a request", (agent, stream) => agent.frame("request", stream, { op: "ping" })),
  lie("stat", "a request on a stream that has ended", (agent) => agent.frame("request", 1, { op: "ping" })),
  lie("stat", "mail", (agent, stream) => agent.frame("mail", stream, Buffer.alloc(21, 0xff))),
  lie("stat", "mail on a stream that has ended", (agent) => agent.frame("mail", 1, Buffer.alloc(21))),
  lie("stat", "a response on a stream that was never used", (agent, stream) => agent.ok(stream + 1)),
  lie("stat", "data on a stream that was never used", (agent, stream) => agent.data(stream + 9, 1, 0, "x")),
  lie("stat", "a response on the last stream of u32", (agent) => agent.ok(0xffff_ffff)),
  lie("stat", "half a header", (agent, stream) => void agent.raw(header(20, stream, 3).subarray(0, 7)), "silent"),
  lie(
    "stat",
    "half a frame",
    (agent, stream) => void agent.raw(header(65_536, stream, 3), Buffer.alloc(65_000)),
    "silent",
  ),
  lie("stat", "silence", () => {}, "harmless"),
  lie(
    "stat",
    "the answer of an earlier request again, 100,000 times",
    (agent) => agent.flood(agent.bytesOf("response", 1, ping), 3_300_000),
    "harmless",
  ),
  lie(
    "stat",
    "200,000 data frames without bytes on a stream that has ended",
    (agent) => agent.flood(agent.bytesOf("data", 1, Buffer.alloc(9)), 5_000_000),
    "harmless",
  ),
  lie(
    "stat",
    "200,000 frames without a payload on a stream that has ended",
    (agent) => agent.flood(agent.bytesOf("window", 1, Buffer.alloc(0)), 3_200_000),
    "harmless",
  ),
];

/** Lies in place of an answer. */
export const liesOfAnswers: readonly Lie[] = [
  lie("stat", "a response that is no JSON", (agent, stream) => agent.frame("response", stream, Buffer.from("ok"))),
  lie("stat", "a response that is a list", (agent, stream) => agent.frame("response", stream, [])),
  lie("stat", "a response of 65,536 brackets", (agent, stream) =>
    agent.frame("response", stream, Buffer.alloc(65_536, "[")),
  ),
  lie("stat", "a response that is nested 9 deep", (agent, stream) => agent.ok(stream, JSON.parse(nested(9)) as object)),
  lie("stat", "a response that is nested 7,000 deep", (agent, stream) =>
    agent.frame("response", stream, Buffer.from(`{"ok":true,"a":${nested(7_000)}}`)),
  ),
  lie("stat", "a response that says neither yes nor no", (agent, stream) => agent.frame("response", stream, {})),
  lie("stat", "a response that says yes as text", (agent, stream) => agent.frame("response", stream, { ok: "true" })),
  lie("stat", "a refusal with a code of its own", (agent, stream) =>
    agent.frame("response", stream, { ok: false, error: { code: "OWN", message: "" } }),
  ),
  lie("stat", "a refusal with a message of 60,000 characters", (agent, stream) =>
    agent.frame("response", stream, { ok: false, error: { code: "IO", message: "m".repeat(60_000) } }),
  ),
  lie("stat", "a refusal with a long errno", (agent, stream) =>
    agent.frame("response", stream, { ok: false, error: { code: "IO", message: "", errno: "E".repeat(33) } }),
  ),
  lie("stat", "a refusal with an errno that a terminal obeys", (agent, stream) =>
    agent.frame("response", stream, { ok: false, error: { code: "IO", message: "", errno: "\u001b[2J" } }),
  ),
  lie("stat", "an answer without its fields", (agent, stream) => agent.ok(stream)),
  lie("stat", "a negative size", (agent, stream) => agent.ok(stream, stated({ size: -1 }))),
  lie("stat", "a size of 2^53", (agent, stream) => agent.ok(stream, stated({ size: 2 ** 53 }))),
  lie("stat", "free room that is not a number", (agent, stream) => agent.ok(stream, stated({ free_bytes: "all" }))),
  lie("stat", "a mode over 07777", (agent, stream) => agent.ok(stream, stated({ mode: 0o10000 }))),
  lie("stat", "data in the place of an answer", (agent, stream) => agent.data(stream, 1, 0, "x")),
  lie("stat", "a window in the place of an answer", (agent, stream) => agent.window(stream, 0, 0, 1)),
  lie("stat", "an exit in the place of an answer", (agent, stream) => agent.exit(stream, 0)),
  lie(
    "stat",
    "an answer with 60,000 bytes more than was asked for",
    (agent, stream) => agent.ok(stream, stated({ more: "m".repeat(60_000) })),
    "harmless",
  ),
  lie(
    "stat",
    "an answer twice",
    (agent, stream) => {
      agent.ok(stream, stated({}));
      agent.ok(stream, stated({}));
    },
    "harmless",
  ),
  lie("committed", "a commit that is neither known nor unknown", (agent, stream) =>
    agent.ok(stream, { committed: "yes" }),
  ),
  lie("follow", "a job in a state of its own", (agent, stream) =>
    agent.ok(stream, { state: "paused", stdin_acked: 0 }),
  ),
  lie("follow", "a job that has read less than nothing", (agent, stream) =>
    agent.ok(stream, { state: "running", stdin_acked: -1 }),
  ),
  lie("follow", "a job that has read 2^53 bytes", (agent, stream) =>
    agent.ok(stream, { state: "running", stdin_acked: 2 ** 53 }),
  ),
  lie("follow", "a job that has read half a byte", (agent, stream) =>
    agent.ok(stream, { state: "running", stdin_acked: 0.5 }),
  ),
  lie("follow", "a job that has read what was never sent, and grants less", (agent, stream) => {
    agent.ok(stream, { state: "running", stdin_acked: 1_000 });
    agent.window(1, 0, 999, 2_000);
  }),
  lie("follow", "a job that has ended with less output than is held", (agent, stream) => {
    agent.ok(stream, { state: "exited", stdin_acked: 0 });
    agent.exit(1, 9);
  }),
];

function stated(fields: object): object {
  return { type: "directory", mode: 0o755, size: 0, mtime_s: 0, mtime_ns: 0, free_bytes: 1, free_inodes: 1, ...fields };
}
