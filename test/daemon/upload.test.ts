import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";

import { openClient } from "../../src/client/client.js";
import { PyroError } from "../../src/contract/errors.js";
import type { Handler, ResultOf } from "../../src/core/core.js";
import { until } from "../client/scratch.js";
import { Listening, runInShell } from "./listening.js";

type Push = Handler<"task.sync.push">;

const input = { task_id: "task-0123456789ab", source_path: "/src" };

/** The digest of what was uploaded stands in its destination. */
function resultOf(digest: string): ResultOf<"task.sync.push"> {
  const counts = { entry_count: 0, bytes_written: 0, excluded_count: 0, duration_ms: 0 };
  const compared = { unchanged_count: 0, ignored_xattr_count: 0 };
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

test("what a client uploads arrives byte for byte, newlines and all", async () => {
  await using daemon = new Listening(runInShell, { others: { "task.sync.push": digestUpload } });
  for (const [bytes, size] of [[5_000_000, 100_000] as const, [3, 1] as const, [0, 1] as const]) {
    const content = randomBytes(bytes);
    const openUpload = () => chunksOf(content, size);
    const result = await openClient(daemon.env).call("task.sync.push", input, { openUpload });
    assert.equal(result.destination, createHash("sha256").update(content).digest("hex"));
  }
});

test("a refusal reaches a client that has not come to the end of its upload", async () => {
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

/** How the handler's reading ended. */
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

test("an upload whose source fails is never complete, and its own error is the client's", async () => {
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

test("a client that cancels is told so, and its upload is never complete", async () => {
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

test("an input that is too long or no JSON is refused before anything is read", async () => {
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
