import assert from "node:assert/strict";
import { Readable } from "node:stream";

import { PyroError } from "../../../src/contract/errors.js";
import { Refusal, type Exchange } from "../../../src/doors/e2b/answer.js";
import { ConnectError, readEnvelope, readEnvelopes, readMessage } from "../../../src/doors/e2b/connect.js";
import { parseNewSandbox } from "../../../src/doors/e2b/control/new-sandbox.js";
import { chooseCoding, parseRange } from "../../../src/doors/e2b/files/download.js";
import { readEntry } from "../../../src/doors/e2b/files/entry.js";
import { boundaryOf, readParts } from "../../../src/doors/e2b/files/multipart.js";
import { isExpired, isSignedWith, readLink } from "../../../src/doors/e2b/files/signature.js";
import { readEvent } from "../../../src/doors/e2b/files/watchers.js";
import { assertLocal, assertNoPage } from "../../../src/doors/e2b/guard.js";
import { GuestError, LineProgram } from "../../../src/doors/e2b/line-program.js";
import { bytesOf, countOf, flagOf, pairsOf, partOf, textOf, textsOf } from "../../../src/doors/e2b/message.js";
import { takeReport } from "../../../src/doors/e2b/process/prelude.js";
import type { Pyro } from "../../../src/doors/e2b/pyro.js";
import type { IncomingMessage } from "../../../src/host/http.js";
import { piecesOf, streamOf, withoutValues, type FuzzTarget } from "../target.js";

/** The error of a request that is the client's fault. */
function describe(error: unknown): string {
  if (error instanceof ConnectError) return `${error.code} ${withoutValues(error.message)}`;
  if (error instanceof Refusal && error.status < 500) return `${error.status} ${withoutValues(error.message)}`;
  if (error instanceof PyroError && error.code === "INVALID_ARGUMENT") return withoutValues(error.message);
  throw error;
}

const exchangeOf = (input: Buffer, type: string) =>
  ({
    request: Object.assign(Readable.from(piecesOf(input), { objectMode: false }), {
      headers: { "content-type": type },
    }),
  }) as unknown as Exchange;

const envelope = (flags: number, message: string) => {
  const body = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
};
const START = JSON.stringify({
  process: { cmd: "sh", args: ["-c", "x"], envs: { A: "b" } },
  pty: { size: { rows: 1, cols: 2 } },
  input: "YQ==",
});

/** Messages of Connect: enveloped or not, and their fields. */
export const connect: FuzzTarget = {
  name: "connect",
  seeds: [
    envelope(0, START),
    Buffer.concat([envelope(0, "{}"), envelope(2, "{}")]),
    envelope(1, "x"),
    Buffer.from(START),
  ],
  words: [
    envelope(0, "{}"),
    envelope(2, ""),
    "null",
    "[]",
    '"process":',
    '"cmd":',
    '"input":"',
    "\u0000\u0000\u0000\u0000",
  ],
  maxBytes: 2_000,
  run: async (input) => {
    const told: string[] = [];
    const readers: readonly (() => Promise<unknown>)[] = [
      () => readEnvelope(exchangeOf(input, "application/connect+json")),
      async () => {
        let count = 0;
        for await (const _ of readEnvelopes(exchangeOf(input, "application/connect+json"))) count += 1;
        return { count };
      },
      () => readMessage(exchangeOf(input, "application/json; charset=utf-8")),
    ];
    for (const read of readers) {
      try {
        const message = (await read()) as Record<string, unknown>;
        for (const field of [textOf, flagOf, countOf, partOf, textsOf, pairsOf, bytesOf]) {
          try {
            for (const name of ["process", "cmd", "args", "input", "pty"]) field(message, name);
          } catch (error) {
            told.push(describe(error).slice(0, 40));
          }
        }
      } catch (error) {
        told.push(describe(error));
      }
    }
    return [...new Set(told)].join(", ");
  },
};

const FORM = [
  '--b\r\ncontent-disposition: form-data; name="file"; filename="a/b.txt"\r\ncontent-type: text/plain\r\n\r\ncontent\r\n',
  "--b\r\nContent-Disposition: form-data; name=\"f\"; filename*=utf-8''%c3%a9\r\n\r\n\r\n--b--\r\n",
].join("");

/** Forms with files. */
export const multipart: FuzzTarget = {
  name: "multipart",
  seeds: [FORM, FORM.replaceAll("--b", "--c"), "--b--", "--b\r\n\r\nx"].map((text) => Buffer.from(text)),
  words: ["\r\n--b", "--b--", "\r\n\r\n", "content-disposition:", 'filename="', "filename*=utf-8''", "%", "%zz", '\\"'],
  maxBytes: 2_000,
  run: async (input) => {
    assert.equal(boundaryOf("multipart/form-data; boundary=b"), "b");
    const told: string[] = [];
    try {
      boundaryOf(input.subarray(0, 80).toString("latin1"));
      for await (const { name, fileName, content } of readParts(streamOf(piecesOf(input)), "b")) {
        let size = 0;
        for await (const piece of content) size += piece.length;
        assert.ok(size <= input.length);
        told.push(`${name.length > 0} ${fileName === null}`);
      }
      return told.slice(0, 3).join(", ");
    } catch (error) {
      return describe(error);
    }
  },
};

const HEADS = [
  {
    method: "GET",
    url: "/files?path=%2Fx&signature=v1_a&signature_expiration=9&username=u",
    host: "127.0.0.1:80",
    range: "bytes=0-3",
  },
  {
    method: "POST",
    url: "/files?signature=x",
    host: "localhost",
    origin: "http://evil.example",
    coding: "gzip, identity;q=0",
  },
  { method: "GET", url: "/", host: "evil.example", coding: "gzip;q=0", range: "bytes=-5" },
];

/** The heads of requests: hosts, ranges, codings, links. */
export const requestHead: FuzzTarget = {
  name: "e2b-head",
  seeds: HEADS.map((head) => Buffer.from(JSON.stringify(head))),
  words: [
    "127.0.0.1",
    "localhost",
    "[::1]",
    ".localhost",
    "bytes=",
    "gzip",
    ";q=0",
    "signature=",
    '"host":"',
    '"url":"',
  ],
  maxBytes: 1_000,
  run: (input) => {
    let head: Record<string, unknown>;
    try {
      head = JSON.parse(input.toString("utf8")) as Record<string, unknown>;
    } catch {
      return "no JSON";
    }
    const text = (name: string) => (typeof head?.[name] === "string" ? head[name] : undefined);
    const told: string[] = [];
    const request = { headers: { host: text("host"), origin: text("origin") } } as unknown as IncomingMessage;
    const size = 10;
    for (const check of [
      () => assertLocal(request),
      () => assertNoPage(request),
      () => chooseCoding(text("coding")),
      () => {
        const range = parseRange(text("range"), size);
        assert.ok(range === null || (range.from >= 0 && range.to < size && range.from <= range.to));
        return range === null;
      },
      () => {
        const link = readLink(new URL(text("url") ?? "/", "http://localhost").searchParams, text("method"));
        assert.ok(link === null || !isSignedWith(link, "token"));
        return link !== null && isExpired(link, 1_000);
      },
    ]) {
      try {
        told.push(String(check()));
      } catch (error) {
        if (error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_URL") told.push("url");
        else told.push(describe(error).slice(0, 20));
      }
    }
    return told.join();
  },
};

/** The body of a new sandbox. */
export const newSandbox: FuzzTarget = {
  name: "e2b-sandbox",
  seeds: [
    { templateID: "base", timeout: 60, metadata: { a: "b" }, envVars: { A: "b" }, secure: true, autoPause: true },
    { templateID: "x", network: { allowOut: ["10.0.0.0/8", "*.example.org"], denyOut: ["0.0.0.0/0"] } },
    { templateID: "x", allow_internet_access: false, autoResume: { enabled: true }, iam: {} },
  ].map((body) => Buffer.from(JSON.stringify(body))),
  words: ['"network":', '"allowOut":[', '"denyOut":[', "0.0.0.0/0", "null", "1e99", '"timeout":', "{}", "[]"],
  maxBytes: 1_000,
  run: (input) => {
    let body: unknown;
    try {
      body = JSON.parse(input.toString("utf8"));
    } catch {
      return "no JSON";
    }
    try {
      const { timeoutSeconds, taskNetwork } = parseNewSandbox(body, 300);
      assert.ok(timeoutSeconds >= 0 && timeoutSeconds <= 30 * 86_400);
      return JSON.stringify(Object.keys(taskNetwork));
    } catch (error) {
      return describe(error);
    }
  },
};

const guestLines = (...all: readonly object[]) => Buffer.from(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
const ENTRY = {
  path: "/x/y",
  mode: 0o100644,
  size: 3,
  owner: "u",
  group: "g",
  mtime_s: 1,
  mtime_ns: 2,
  target: "z",
  target_mode: 0o40755,
  metadata: { a: "b" },
};

/** Lines of a program in a guest: they spoil the answers of that guest only. */
export const guestProgram: FuzzTarget = {
  name: "e2b-lines",
  seeds: [
    guestLines({ id: 1, entry: ENTRY }, { id: 1, done: true }),
    guestLines({ id: 1, name: "f", kind: "CREATE", entry: ENTRY }, { id: 1, error: "ENOENT", message: "no" }),
    guestLines({ id: 2, done: true }, { id: 1, entry: { ...ENTRY, mtime_s: 8e15 } }, { id: 1, done: true }),
    Buffer.from('\u00011234\u0002{"id":1,"done":true}\n'),
  ],
  words: [
    '{"id":1,',
    '"done":true',
    '"error":',
    '"entry":{',
    '"mtime_s":',
    "9007199254740991",
    "null",
    "\n",
    "\u0001",
    "\u0002",
    '{"toString":1,"valueOf":2}',
    '"error":{"toString":1}',
    '"id":',
  ],
  maxBytes: 2_000,
  run: async (input) => {
    const { report, rest } = takeReport(input);
    assert.ok(rest.length <= input.length && (typeof report !== "number" || report !== undefined));
    let thrown: unknown;
    const pyro = {
      perform: async (name: string, _fields: object, { onEvent }: { onEvent?: (event: object) => void }) => {
        if (name !== "task.exec") return {};
        // The request is under way then.
        await new Promise(setImmediate);
        try {
          for (const data of piecesOf(input)) onEvent?.({ event: "stdout", data });
        } catch (error) {
          thrown ??= error;
        }
        return {};
      },
    } as unknown as Pyro;
    const program = new LineProgram(pyro, { record: { taskId: "task" } }, { files: [], command: ["x"], user: "root" });
    try {
      const lines = await program.ask("list");
      for (const line of lines) JSON.stringify([readEntry(line), readEvent(line)]);
      if (thrown) throw thrown;
      return `answered ${lines.length > 0}`;
    } catch (error) {
      if (!(error instanceof GuestError) || thrown) throw thrown ?? error;
      return `failed ${withoutValues(error.code).slice(0, 20)}`;
    }
  },
};
