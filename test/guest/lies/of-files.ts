import { buildData } from "../../../src/guest/frames.js";
import { lie, type Act, type Lie } from "./lie.js";
import type { LyingAgent } from "./lying-agent.js";

const [STDOUT, CONTENT] = [1, 3];

const ENTRY = { path: ".", type: "directory", mode: 0o755, uid: 0, gid: 0, mtime_s: 1, mtime_ns: 0, size: 0 };
const FILE = { ...ENTRY, path: "f", type: "file" };
const SHA = "0".repeat(64);

function record(header: object | string, content = ""): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, Buffer.from(content)]);
}

/** Sends correct content, its end, and an answer. */
function send(agent: LyingAgent, stream: number, content: Buffer, answer: object): void {
  agent.frame("data", stream, buildData({ channel: CONTENT!, offset: 0, bytes: content }));
  agent.eof(stream, CONTENT!, content.length);
  agent.ok(stream, answer);
}

/** A lie about the entries of a directory. */
function ofManifest(title: string, entries: readonly (object | string)[], answer: object = {}): Lie {
  return ofEntries("manifest", title, entries, answer);
}

function ofEntries(act: Act, title: string, entries: readonly (object | string)[], answer: object = {}): Lie {
  const content = Buffer.concat(entries.map((entry) => record(entry)));
  return lie(act, title, (agent, stream) => {
    send(agent, stream, content, { entries: entries.length, more: false, ...answer });
  });
}

const withFile = (fields: object) => [ENTRY, { ...FILE, ...fields }];

function ofFetch(title: string, content: readonly Buffer[]): Lie {
  return lie("fetch", title, (agent, stream) => {
    send(agent, stream, Buffer.concat(content), { entries: 2, bytes: 2, skipped: 0 });
  });
}

function ofContent(act: Act, title: string, tell: (agent: LyingAgent, stream: number) => void): Lie {
  return lie(act, title, tell);
}

const facts = { bytes: 1, size: 1, mode: 0, mtime_s: 0, mtime_ns: 0 };

export const liesOfFiles: readonly Lie[] = [
  ofManifest("an absolute path", withFile({ path: "/etc/passwd" })),
  ofManifest("a path that leaves the directory", withFile({ path: "../x" })),
  ofManifest("a path with `..` within", [ENTRY, { ...ENTRY, path: "a" }, { ...FILE, path: "a/../b" }]),
  ofManifest("a path with an empty part", [ENTRY, { ...ENTRY, path: "a" }, { ...FILE, path: "a//b" }]),
  ofManifest("a path with a NUL", withFile({ path: "a\0b" })),
  ofManifest("an empty path", withFile({ path: "" })),
  ofManifest("an entry without a path", withFile({ path: undefined })),
  ofManifest("a path that is not base64", withFile({ path: undefined, path_base64: "?" })),
  ofManifest("a path of 5,000 characters", withFile({ path: "x".repeat(5_000) })),
  ofManifest("the same entry twice", [ENTRY, FILE, FILE]),
  ofManifest("the same entry twice, once in base64", [
    ENTRY,
    FILE,
    { ...FILE, path: undefined, path_base64: Buffer.from("f").toString("base64") },
  ]),
  ofManifest("entries out of order", [ENTRY, { ...FILE, path: "b" }, { ...FILE, path: "a" }]),
  ofManifest("the directory itself after its entries", [FILE, ENTRY]),
  ofManifest("no entry for the directory itself", [FILE]),
  ofManifest("an entry in a file", [ENTRY, { ...FILE, path: "a" }, { ...FILE, path: "a/b" }]),
  ofManifest("an entry in a link", [
    ENTRY,
    { ...ENTRY, path: "a", type: "symlink", target: "/etc" },
    { ...FILE, path: "a/b" },
  ]),
  ofManifest("an entry in a directory that is missing", [ENTRY, { ...FILE, path: "a/b" }]),
  ofManifest("an entry in a mount", [ENTRY, { ...ENTRY, path: "a", mount: true }, { ...FILE, path: "a/b" }]),
  ofManifest("a type that does not exist", withFile({ type: "hardlink" })),
  ofManifest("a link without a target", withFile({ type: "symlink" })),
  ofManifest("a file with a target", withFile({ target: "x" })),
  ofManifest("a directory with a digest", [{ ...ENTRY, sha256: SHA }]),
  ofManifest("a digest that is not hexadecimal", withFile({ sha256: "x".repeat(64) })),
  ofManifest("a short digest", withFile({ sha256: "0" })),
  ofManifest("a negative size", withFile({ size: -1 })),
  ofManifest("a size of 2^53", withFile({ size: 2 ** 53 })),
  ofManifest("a mode beyond 07777", withFile({ mode: 0o10000 })),
  ofEntries("list", "an owner beyond u32", withFile({ uid: 2 ** 32 })),
  ofEntries("list", "a billion nanoseconds", withFile({ mtime_ns: 1_000_000_000 })),
  ofManifest("a header that is not JSON", [ENTRY, "{"]),
  ofManifest("a header that is a number", ["1"]),
  ofManifest("more entries than it sent", [ENTRY], { entries: 2 }),
  ofManifest("an answer without a number of entries", [ENTRY], { entries: undefined }),
  ofContent("manifest", "a header of 4 GiB", (agent, stream) => agent.data(stream, CONTENT!, 0, "\x7f\x7f\x7f\x7f")),
  ofContent("manifest", "a header without bytes", (agent, stream) => agent.data(stream, CONTENT!, 0, "\0\0\0\0")),
  ofContent("manifest", "an end within a header", (agent, stream) =>
    send(agent, stream, record(ENTRY).subarray(0, 20), { entries: 1, more: false }),
  ),
  ofContent("manifest", "an end within a length", (agent, stream) =>
    send(agent, stream, record(ENTRY).subarray(0, 2), { entries: 0, more: false }),
  ),
  ofContent("manifest", "more than there may be, and no end", (agent, stream) => {
    for (let at = 0; at < 8 << 20; at += 32_768) agent.data(stream, CONTENT!, at, "x".repeat(32_768));
  }),
  ofContent("read", "an answer before the end of the content", (agent, stream) => agent.ok(stream, facts)),
  ofContent("read", "content behind its end", (agent, stream) => {
    agent.eof(stream, CONTENT!, 0);
    agent.data(stream, CONTENT!, 0, "x");
  }),
  ofContent("read", "an end beyond what was sent", (agent, stream) => agent.eof(stream, CONTENT!, 1)),
  ofContent("read", "content with a gap", (agent, stream) => agent.data(stream, CONTENT!, 1, "x")),
  ofContent("read", "content on the channel of output", (agent, stream) => agent.data(stream, STDOUT!, 0, "x")),
  ofContent("read", "8 MiB beyond its window", (agent, stream) => {
    for (let at = 0; at < 8 << 20; at += 32_768) agent.data(stream, CONTENT!, at, "x".repeat(32_768));
  }),
  ofContent("read", "a window", (agent, stream) => agent.window(stream, CONTENT!, 0, 1)),
  ofContent("read", "an exit", (agent, stream) => agent.exit(stream, 0)),
  ofContent("read", "a negative size", (agent, stream) =>
    send(agent, stream, Buffer.from("x"), { ...facts, size: -1 }),
  ),
  ofContent("write", "an answer before the end was sent", (agent, stream) =>
    agent.ok(stream, { bytes: 5, created: true }),
  ),
  ofContent("write", "a window beyond the protocol's", (agent, stream) => agent.window(stream, CONTENT!, 0, 4_194_305)),
  ofContent("write", "content", (agent, stream) => agent.data(stream, CONTENT!, 0, "x")),
  ofContent("write", "an answer of another shape", (agent, stream) => {
    agent.window(stream, CONTENT!, 0, 100);
    setTimeout(() => agent.ok(stream, { bytes: 5, created: "yes" }), 50);
  }),
  ofFetch("a file that was not requested", [record(FILE), record({ ...FILE, path: "b" })]),
  ofFetch("files in another order", [record({ ...FILE, path: "b" }), record({ ...FILE, path: "a" })]),
  ofFetch("one file too few", [record({ ...FILE, path: "a" })]),
  ofFetch(
    "one file too many",
    ["a", "b", "c"].map((path) => record({ ...FILE, path })),
  ),
  ofFetch("less content than a header tells", [record({ ...FILE, path: "a", size: 100 }, "x")]),
  ofFetch("a directory with content", [record({ ...FILE, path: "a", type: "directory", size: 1 }, "x")]),
  ...Object.entries({
    "beyond the end of the file": [0, 12_288],
    "that begins beyond the end": [12_288, 4_096],
    "that overlaps another": [0, 8_192, 4_096, 4_096],
    "before another": [4_096, 4_096, 0, 4_096],
    "of no bytes": [0, 0],
    "that begins within a block": [1, 4_096],
    "that ends within a block": [0, 5],
    "without a length": [0],
    "of a negative length": [4_096, -4_096],
    "at a negative offset": [-4_096, 4_096],
  }).map(([title, data]) =>
    ofFetch(`data ${title}`, [
      record({ ...FILE, path: "a", size: 8_193, data }, "x".repeat(16_384)),
      record({ ...FILE, path: "b" }),
    ]),
  ),
  ofFetch("2,000 pieces of data", [
    record({ ...FILE, path: "a", size: 2 ** 40, data: Array.from({ length: 2_000 }, (_, n) => 4_096 * n) }),
  ]),
];
