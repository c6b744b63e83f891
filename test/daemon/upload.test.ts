import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";

import { openClient } from "../../src/client/client.js";
import { PyroError } from "../../src/contract/errors.js";
import type { ResultOf } from "../../src/contract/operations.js";
import type { Handler } from "../../src/core/core.js";
import { until } from "../client/scratch.js";
import { Listening, resultOf as runResultOf, runInShell } from "./listening.js";

type Push = Handler<"task.sync.push">;

const input = { task_id: "task-0123456789ab", source_path: "/src" };

/** The handler puts the digest of the upload into the destination. */
function resultOf(digest: string): ResultOf<"task.sync.push"> {
  const counts = { entry_count: 0, bytes_written: 0, excluded_count: 0, duration_ms: 0 };
  const compared = { unchanged_count: 0, ignored_xattr_count: 0, deleted_count: 0, kept_count: 0 };
  const report = { skipped_special: 0, skipped_links: 0, changed_entries: 0, warnings: [] };
  return { ...input, ...counts, ...compared, ...report, mode: "archive", destination: digest, dry_run: false };
}

const digestUpload: Push = async (_core, _input, call) => {
  const hash = createHash("sha256");
  for await (const chunk of call.upload ?? []) hash.update(chunk);
  return resultOf(hash.digest("hex"));
};

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536);
}

test("an upload arrives byte for byte, including newlines", async () => {
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": digestUpload } });
  for (const [bytes, size] of [[5_000_000, 100_000] as const, [3, 1] as const, [0, 1] as const]) {
    const content = randomBytes(bytes);
    const openUpload = () => chunksOf(content, size);
    const result = await openClient(daemon.env).call("task.sync.push", input, { openUpload });
    assert.equal(result.destination, createHash("sha256").update(content).digest("hex"));
  }
});

test("a refusal reaches a client that is still uploading", async () => {
  const push: Push = async (_core, _input, call) => {
    for await (const chunk of call.upload ?? []) {
      if (chunk.length > 0) throw new PyroError("ARCHIVE_CORRUPT", "No.");
    }
    throw new Error("nothing was uploaded");
  };
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": push } });
  const call = openClient(daemon.env).call("task.sync.push", input, { openUpload: endless });
  await assert.rejects(call, { code: "ARCHIVE_CORRUPT" });
});

/** A handler that reads an upload, and what it has read until now: the bytes, and the code of the error. */
function watchedPush() {
  const seen = { bytes: 0, code: "" };
  const push: Push = async (_core, _input, call) => {
    try {
      for await (const chunk of call.upload ?? []) seen.bytes += chunk.length;
      seen.code = "complete";
    } catch (error) {
      seen.code = PyroError.from(error).code;
      throw error;
    }
    return resultOf("");
  };
  return { seen, push };
}

test("an upload whose source fails is never complete, and the client returns the source's error", async () => {
  const { seen, push } = watchedPush();
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": push } });
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10);
    await until("the daemon has some", () => seen.bytes === 10);
    throw new PyroError("SOURCE_CHANGED", "It changed.");
  }
  const call = openClient(daemon.env).call("task.sync.push", input, { openUpload: failing });
  await assert.rejects(call, { code: "SOURCE_CHANGED" });
  await until("the handler has ended", () => seen.code !== "");
  assert.equal(seen.code, "ABORTED");
});

test("a cancelled upload returns ABORTED and is never complete", async () => {
  const { seen, push } = watchedPush();
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": push } });
  const controller = new AbortController();
  const call = openClient(daemon.env).call("task.sync.push", input, { openUpload: endless, signal: controller.signal });
  await until("the daemon has some", () => seen.bytes > 0);
  controller.abort();
  await assert.rejects(call, { code: "ABORTED" });
  await until("the handler has ended", () => seen.code !== "");
  assert.equal(seen.code, "ABORTED");
});

test("an input line that is too long or not JSON is refused before the source is read", async () => {
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": digestUpload } });
  for (const body of ["{", "x".repeat(2_000_000)]) {
    const sent = request({
      socketPath: daemon.home.daemonSocket,
      path: "/v1/task/sync/push",
      method: "POST",
      agent: false,
    });
    sent.end(`${body}\n`);
    const status = await new Promise((resolve) => sent.once("response", (response) => resolve(response.statusCode)));
    sent.destroy();
    assert.equal(status, 400);
  }
});

/** Returns which source and standard input a command got. */
const readBoth: Handler<"vm.run"> = async (_core, run, call) => {
  const read = async (stream: AsyncIterable<Uint8Array> | null) => {
    const parts: Uint8Array[] = [];
    for await (const part of stream ?? []) parts.push(part);
    return Buffer.concat(parts).toString();
  };
  const source = await read(call.upload);
  return { ...runResultOf(0), command: run.command, stdout: source, stderr: await read(call.stdin) };
};

test("run with a source and standard input: both arrive", async () => {
  await using daemon = new Listening(readBoth);
  const content = Buffer.alloc(1_000_000, "source\n");
  const { stdout, stderr } = await openClient(daemon.env).call(
    "vm.run",
    { environment: "debian:12", command: "true", source_path: "/src" },
    { openUpload: () => chunksOf(content, 77_777), stdin: chunksOf(Buffer.from("input\n"), 3) },
  );
  assert.equal(stdout, content.toString());
  assert.equal(stderr, "input\n");
});

/** The answer to a body in plain HTTP. */
async function post(daemon: Listening, ...pieces: (object | string)[]): Promise<Record<string, unknown>> {
  const sent = request({ socketPath: daemon.home.daemonSocket, path: "/v1/vm/run", method: "POST", agent: false });
  const lines = pieces.map((piece) => (typeof piece === "string" ? piece : `${JSON.stringify(piece)}\n`));
  sent.end(lines.join(""));
  return new Promise((resolve, reject) => {
    sent.on("error", reject).on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve(JSON.parse(text.trimEnd().split("\n").at(-1)!) as Record<string, unknown>));
    });
  });
}

test("a source arrives in both framings: as pieces between lines, and as the rest of the body", async () => {
  await using daemon = new Listening(readBoth);
  const run = { environment: "debian:12", command: ["echo", "a b"], source_path: "/src" };
  const framed = { ...run, source_framed: true };
  const pieces = [
    framed,
    { source: 3 },
    '{"a{"source":1}\nb',
    { source_end: true },
    { stdin: "aGk=" },
    { stdin_end: true },
  ];
  const { result } = (await post(daemon, ...pieces)) as { result: Record<string, unknown> };
  assert.deepEqual([result["stdout"], result["stderr"], result["command"]], ['{"ab', "hi", "echo 'a b'"]);
  const raw = (await post(daemon, run, '{"source":3}\n', "raw")) as { result: Record<string, unknown> };
  assert.deepEqual([raw.result["stdout"], raw.result["stderr"]], ['{"source":3}\nraw', ""]);
});

test("a source in pieces that ends early or is cancelled is never complete", async () => {
  await using daemon = new Listening(readBoth);
  const framed = { environment: "debian:12", command: "true", source_path: "/src", source_framed: true };
  const codeOf = ({ error }: Record<string, unknown>) => (error as { code: string } | undefined)?.code;
  assert.equal(codeOf(await post(daemon, framed, { source: 10 }, "short")), "ABORTED");
  assert.equal(codeOf(await post(daemon, framed, { source: 2 }, "ab")), "ABORTED");
  assert.equal(codeOf(await post(daemon, framed, { source: 2 }, "ab", { source: -1 })), "INVALID_ARGUMENT");
});
