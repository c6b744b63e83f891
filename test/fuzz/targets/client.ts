import assert from "node:assert/strict";
import { Duplex, Readable } from "node:stream";

import { parseInput } from "../../../src/contract/input.js";
import { operations, type OperationName } from "../../../src/contract/operations.js";
import { Body } from "../../../src/daemon/body.js";
import type { Sinks } from "../../../src/daemon/caller.js";
import { CallerBytes } from "../../../src/daemon/caller-bytes.js";
import { StreamCaller } from "../../../src/daemon/stream-caller.js";
import type { IncomingMessage } from "../../../src/host/http.js";
import type { Socket } from "../../../src/host/socket.js";
import {
  buildHeader,
  buildWindow,
  callerFrames,
  daemonFrames,
  FrameReader,
  frameType,
  parseWindow,
  streamChannel,
} from "../../../src/host/stream-frames.js";
import { applyPatches } from "../../../src/workspace/patch.js";
import { describeRefusal, piecesOf, type FuzzTarget } from "../target.js";

const frame = (type: number, channel: number, payload: string | Buffer) => {
  const bytes = Buffer.from(payload as string);
  return Buffer.concat([buildHeader(type, channel, bytes.length), bytes]);
};
const CALL = Buffer.concat([
  frame(frameType.input, 0, '{"task_id":"t"}'),
  frame(frameType.data, streamChannel.stdin, "hello"),
  buildWindow(streamChannel.stdout, 65_536),
  frame(frameType.resize, 0, '{"rows":24,"cols":80}'),
  frame(frameType.cancel, 0, '{"signal":"TERM"}'),
  frame(frameType.data, streamChannel.source, "archive"),
  frame(frameType.end, streamChannel.source, ""),
  frame(frameType.end, streamChannel.stdin, ""),
]);

function readFrames(pieces: Iterable<Buffer>, types: ReadonlySet<number>): string {
  const reader = new FrameReader(types, 1_000);
  const bytes: Record<number, string> = {};
  const told: string[] = [];
  try {
    for (const piece of pieces) {
      for (const { type, channel, payload } of reader.read(piece)) {
        assert.ok(types.has(type) && channel < 4);
        if (type === frameType.data) bytes[channel] = (bytes[channel] ?? "") + payload.toString("latin1");
        else if (type === frameType.window) told.push(String(parseWindow({ type, channel, payload }) > 0));
        else told.push(`${type} ${payload.length}`);
      }
    }
  } catch (error) {
    told.push(describeRefusal(error, ["INVALID_ARGUMENT"]));
  }
  return JSON.stringify([told, bytes]);
}

/** Frames of a caller, and of a daemon: the same however they are cut. */
export const streamFrames: FuzzTarget = {
  name: "stream-frames",
  seeds: [
    CALL,
    frame(frameType.result, 0, "{}"),
    frame(frameType.event, 0, '{"event":"x"}'),
    frame(frameType.error, 0, "{}"),
  ],
  words: [buildHeader(frameType.data, 1, 5), buildHeader(frameType.input, 0, 2), buildHeader(frameType.cancel, 0, 0)],
  maxBytes: 2_000,
  run: (input) => {
    for (const types of [callerFrames, daemonFrames]) {
      assert.equal(readFrames(piecesOf(input), types), readFrames([input], types));
    }
    const [told] = JSON.parse(readFrames([input], callerFrames)) as [string[]];
    return told.slice(-2).join(", ").replace(/\d+$/, "N");
  },
};

/** What the call of a caller gives: its input, its bytes, and how it ends. */
async function follow(asks: { readInput(): Promise<unknown>; follow(sinks: Sinks): Promise<void> }): Promise<string> {
  const told: string[] = [];
  const [stdin, source] = [new CallerBytes(), new CallerBytes()];
  const drain = async (bytes: CallerBytes) => {
    let count = 0;
    for await (const piece of bytes) count += piece.length;
    return count;
  };
  const drained = [
    drain(stdin),
    drain(source).catch((error: unknown) => describeRefusal(error, ["INVALID_ARGUMENT", "ABORTED"])),
  ];
  try {
    told.push(typeof (await asks.readInput()));
    const resize = ({ rows, cols }: { rows: number; cols: number }) => {
      assert.ok(Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0);
      told.push("resize");
    };
    await asks.follow({ stdin, source, cancel: (name) => told.push(`cancel ${name}`), resize });
  } catch (error) {
    told.push(describeRefusal(error, ["INVALID_ARGUMENT", "ABORTED"]));
  }
  stdin.end();
  source.end();
  await Promise.all(drained);
  return told.slice(0, 3).join(", ");
}

class Connection extends Duplex {
  constructor() {
    super({ allowHalfOpen: false });
  }

  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

/** A call over a connection that was upgraded. */
export const streamCall: FuzzTarget = {
  name: "stream-call",
  seeds: [CALL, CALL.subarray(0, 60)],
  words: [
    frame(frameType.cancel, 0, '{"signal":"INT"}'),
    frame(frameType.resize, 0, "{}"),
    buildWindow(0, 1),
    '"signal":',
    "null",
  ],
  maxBytes: 2_000,
  run: async (input) => {
    const socket = new Connection();
    const caller = new StreamCaller(socket as unknown as Socket, input.subarray(0, 7));
    for (const piece of piecesOf(input.subarray(7))) socket.push(piece);
    socket.push(null);
    const told = await follow(caller);
    socket.destroy();
    return told;
  },
};

const requestOf = (input: Buffer, headers: Record<string, string> = {}) =>
  Object.assign(Readable.from(piecesOf(input), { objectMode: false }), { headers }) as unknown as IncomingMessage;

/** The body of a plain request. */
export const requestBody: FuzzTarget = {
  name: "request-body",
  seeds: [
    '{"task_id":"t"}\n{"stdin":"aGk="}\n{"resize":{"rows":24,"cols":80}}\n{"cancel":true,"signal":"TERM"}\n{"stdin_end":true}\n',
    '{}\n{"source":5}\nhello{"source_end":true}\n',
    "\n",
  ].map((text) => Buffer.from(text)),
  words: ['{"source":', '"source_end":true', '{"stdin":"', '"cancel":true', '"resize":', "\n", "null", "1e9"],
  maxBytes: 2_000,
  run: (input) => follow(new Body(requestOf(input))),
};

const names = Object.keys(operations) as OperationName[];
const inputs: readonly (readonly [OperationName, object])[] = [
  [
    "task.create",
    { environment: "debian:12", env: { A: "b" }, labels: { x: "y" }, network_allow: ["10.0.0.0/8"], ttl_seconds: 0 },
  ],
  ["task.exec", { task_id: "t", command: "true", timeout_seconds: 5, env: { A: "b" }, cwd: "/" }],
  ["vm.run", { environment: "debian:12", command: ["sh", "-c", "true"], user: "1:2" }],
  ["task.sync.push", { task_id: "t", source_path: "/x", exclude: ["*.o"] }],
  ["task.file.list", { task_id: "t", path: "a/../b" }],
  ["task.service.start", { task_id: "t", name: "web", command: "x", ready: "http:80/x", publish: ["80"] }],
  ["task.try", { task_id: "t", variants: ["a", "b"], check: "c" }],
  ["env.pull", { environment: "docker.io/library/python:3.12" }],
];

/** The inputs of all operations: parsed, or refused with their fields. The first byte is the operation. */
export const operationInput: FuzzTarget = {
  name: "operation-input",
  seeds: inputs.map(([name, input]) =>
    Buffer.concat([Buffer.from([names.indexOf(name)]), Buffer.from(JSON.stringify(input))]),
  ),
  words: [
    ...new Set(names.flatMap((name) => Object.keys(operations[name].input.shape).map((field) => `"${field}":`))),
  ].concat(...["null", "[]", "{}", "1e999", "-1", '"__proto__":', "true", '"\\u0000"']),
  maxBytes: 2_000,
  run: (input) => {
    const name = names[(input[0] ?? 0) % names.length]!;
    let given: unknown;
    try {
      given = JSON.parse(input.subarray(1).toString("utf8"));
    } catch {
      return "no JSON";
    }
    try {
      parseInput(operations[name].input, given);
      return `${name} parsed`;
    } catch (error) {
      return describeRefusal(error, ["INVALID_ARGUMENT"]);
    }
  },
};

const PATCH = `diff --git a/x.txt b/x.txt
index 1..2 100644
--- a/x.txt
+++ b/x.txt
@@ -1,3 +1,3 @@
 one
-two
+2
 three
`;
const patches = [
  PATCH,
  PATCH.replaceAll("diff --git a/x.txt b/x.txt\nindex 1..2 100644\n", ""),
  "diff --git a/new b/new\nnew file mode 100755\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
  "diff --git a/x.txt b/y\nsimilarity index 100%\nrename from x.txt\nrename to y\n",
  "diff --git a/l b/l\ndeleted file mode 120000\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-x.txt\n\\ No newline at end of file\n",
  "diff --git a/b b/b\nBinary files a/b and b/b differ\n",
];

/** Patches of a caller: a patch names only files of the tree, or is refused. */
export const patch: FuzzTarget = {
  name: "patch",
  seeds: patches.map((text) => Buffer.from(text)),
  words: [
    "--- a/",
    "+++ b/",
    "@@ -1,3 +1,3 @@\n",
    "diff --git ",
    "rename from ",
    "copy to ",
    "../",
    "/etc/x",
    "new file mode 120000\n",
    "GIT binary patch\n",
    '"a\\303\\251"',
  ],
  maxBytes: 2_000,
  run: async (input) => {
    try {
      const { files, rejects } = await applyPatches(input, input.length % 2 === 1, async (path) => {
        if (path === "x.txt") return { type: "file", mode: 0o644, bytes: Buffer.from("one\ntwo\nthree\n") };
        return path === "l" ? { type: "link", target: "x.txt" } : null;
      });
      for (const path of files.keys()) {
        const parts = path.split("/");
        assert.ok(
          !path.includes("\0") && parts.every((part) => !["", ".", ".."].includes(part)),
          `leaves the tree: ${path}`,
        );
      }
      return `${files.size > 0} ${rejects
        .map(({ reason }) => reason)
        .slice(0, 2)
        .join()}`;
    } catch (error) {
      return describeRefusal(error, ["INVALID_ARGUMENT"]);
    }
  },
};
