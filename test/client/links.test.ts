import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readArchive } from "../../src/archive/read.js";
import type { PackOptions } from "../../src/client/pack/options.js";
import { packSource } from "../../src/client/pack/pack.js";
import { PyroError } from "../../src/contract/errors.js";
import { ScratchDirectory } from "../archive/trees.js";
import { dead, layOutLinkedProject, leaving, makeVirtualEnvironment } from "./linked-project.js";

/** The entries that a daemon which accepts all links reads: each path with its target or content. */
async function send(root: string, links: PackOptions["links"]) {
  const packed = await packSource(root, { links });
  const sent = new Map<string, string>();
  for await (const { path, type, target, content } of readArchive(packed.stream, { linksMayLeave: true })) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    sent.set(path, type === "symlink" ? `-> ${target}` : type === "file" ? Buffer.concat(chunks).toString() : "");
  }
  return { sent, report: packed.report() };
}

const staying = ["node_modules/.bin/cli", "broken-inside"];

test("keep, the default: links are sent as links, wherever they lead", async () => {
  using scratch = new ScratchDirectory();
  const root = layOutLinkedProject(scratch.path);
  for (const links of [undefined, "keep"] as const) {
    const { sent, report } = await send(root, links);
    for (const name of [...leaving, ...staying]) assert.match(sent.get(name)!, /^-> /, name);
    assert.equal(sent.get("shared"), "-> ../shared");
    assert.deepEqual(report, { skipped_special: 0, skipped_links: 0, changed_entries: 0, warnings: [] });
  }
});

test("skip: links that lead out, also through other links, are left out and counted", async () => {
  using scratch = new ScratchDirectory();
  const { sent, report } = await send(layOutLinkedProject(scratch.path), "skip");
  for (const name of [...leaving, "src/out-and-in"]) assert.ok(!sent.has(name), name);
  for (const name of staying) assert.match(sent.get(name)!, /^-> /, name);
  assert.deepEqual([report.skipped_links, report.warnings.length], [leaving.length + 1, 1]);
});

test("follow: the targets of links are sent instead of the links, and loops end", async () => {
  using scratch = new ScratchDirectory();
  const { sent, report } = await send(layOutLinkedProject(scratch.path), "follow");
  for (const name of staying) assert.match(sent.get(name)!, /^-> /, name);
  assert.deepEqual(
    [
      "result",
      "result/lib/lib.so.1",
      "result/lib/lib.so",
      "bazel-out/lib.so.1",
      "shared/text",
      "result/again/text",
    ].map((name) => sent.get(name)),
    ["", "library", "-> lib.so.1", "library", "shared", "shared"],
  );
  assert.equal(sent.get("a-bin"), readFileSync("/bin/true").toString());
  assert.equal(sent.get("a-chain"), "-> a-bin");
  for (const name of [...dead, "src/out-and-in", "shared/back", "result/again/back"]) assert.ok(!sent.has(name), name);
  assert.equal(report.skipped_links, dead.length + 3);
  assert.deepEqual(report.changed_entries, 0);
});

test("refuse: all links that lead out are named at once, before anything is sent", async () => {
  using scratch = new ScratchDirectory();
  const root = layOutLinkedProject(scratch.path);
  await assert.rejects(packSource(root, { links: "refuse" }), (error: unknown) => {
    assert.ok(error instanceof PyroError);
    assert.equal(error.code, "ARCHIVE_LINK_ESCAPES");
    assert.deepEqual(error.details["entries"], [...leaving, "src/out-and-in"]);
    assert.match(error.hint, /--links/);
    return true;
  });
});

test("a virtual environment arrives with its interpreter's link, or with the interpreter", async () => {
  using scratch = new ScratchDirectory();
  makeVirtualEnvironment(join(scratch.path, ".venv"));
  const kept = await send(scratch.path, "keep");
  assert.match(kept.sent.get(".venv/bin/python3")!, /^-> \//);
  const followed = await send(scratch.path, "follow");
  const interpreter = readFileSync(join(scratch.path, ".venv/bin/python3"), "utf8");
  assert.equal(followed.sent.get(".venv/bin/python3"), interpreter);
  assert.equal(followed.sent.get(".venv/bin/python"), "-> python3");
});

test("links of excluded entries are not checked, also in a followed directory", async () => {
  using scratch = new ScratchDirectory();
  const root = layOutLinkedProject(scratch.path);
  const packed = await packSource(root, { links: "follow", exclude: ["/result", "shared/", "a-*", "loop-out", "src"] });
  const sent: string[] = [];
  for await (const { path } of readArchive(packed.stream)) sent.push(path);
  assert.ok(sent.includes("bazel-out/lib.so.1"));
  assert.ok(!sent.some((path) => path.startsWith("shared") || path.startsWith("result")));
  assert.equal(packed.report().skipped_links, 1);
  assert.equal(packed.excludedCount, 6);
});
