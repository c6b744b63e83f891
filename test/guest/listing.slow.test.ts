import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { type Channel } from "../../src/guest/channel.js";
import { AgentRefusal } from "../../src/guest/refusal.js";
import { fetchEntries } from "../../src/guest/fetch.js";
import { type BriefEntry, list, type ListedEntry } from "../../src/guest/listing.js";
import { readManifest } from "../../src/guest/manifest.js";
import { AgentProcess } from "./agent-process.js";

function plant(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

async function collect(entries: AsyncGenerator<ListedEntry, boolean>): Promise<[ListedEntry[], boolean]> {
  const found: ListedEntry[] = [];
  for (;;) {
    const next = await entries.next();
    if (next.done) return [found, next.value];
    found.push(next.value);
  }
}

const pathsOf = async (entries: AsyncGenerator<ListedEntry, boolean>) =>
  (await collect(entries))[0].map(({ path }) => path);

/** The same manifest, made by the host itself. */
function look(root: string, at = "."): Record<string, string> {
  const entry = lstatSync(join(root, at));
  const content = entry.isFile()
    ? createHash("sha256")
        .update(readFileSync(join(root, at)))
        .digest("hex")
    : "";
  const target = entry.isSymbolicLink() ? readlinkSync(join(root, at)) : "";
  const found = { [at]: `${entry.mode & 0o7777} ${entry.size} ${content} ${target}` };
  if (entry.isDirectory())
    for (const name of readdirSync(join(root, at))) Object.assign(found, look(root, join(at, name)));
  return found;
}

const tell = ({ mode, sizeBytes, sha256, target }: BriefEntry) =>
  `${mode} ${sizeBytes} ${sha256 ?? ""} ${target ?? ""}`;

const refusedWith = (errno: string) => (error: unknown) => error instanceof AgentRefusal && error.errno === errno;

test("manifest: equals the host's own view of the tree, also after each change", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [`d${n % 7}/e${n % 3}/f${n}`, `content ${n}`]),
  );
  plant(agent.workspace, { ...files, "réal 😀\n": "u" });
  symlinkSync("../nowhere", join(agent.workspace, "d1/link"));
  for (let round = 0; round < 3; round += 1) {
    const manifest = await readManifest(channel, agent.workspace, 1_000);
    assert.deepEqual(
      Object.fromEntries([...manifest].map(([path, entry]) => [path, tell(entry)])),
      look(agent.workspace),
    );
    plant(agent.workspace, { [`d1/e1/f1`]: `changed ${round}`, [`new/${round}`]: "new" });
  }
  channel.close();
});

test("manifest: a tree of more entries than were asked for is an error", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  plant(agent.workspace, { a: "", b: "", c: "" });
  await assert.rejects(readManifest(channel, agent.workspace, 3), { code: "RESOURCE_EXHAUSTED" });
  assert.equal((await readManifest(channel, agent.workspace, 4)).size, 4);
  await assert.rejects(readManifest(channel, agent.workspace, 4, 3), { code: "RESOURCE_EXHAUSTED" });
  channel.close();
});

test("list: pages, depth, links and refusals", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  plant(agent.workspace, { "a/b/c": "", "a.txt": "", "a-b": "", z: "" });
  const { workspace } = agent;
  assert.deepEqual(await pathsOf(list(channel, workspace, { depth: 1 })), [".", "a", "a-b", "a.txt", "z"]);
  const [first, more] = await collect(list(channel, workspace, { limit: 4 }));
  assert.deepEqual([first.map(({ path }) => path), more], [[".", "a", "a/b", "a/b/c"], true]);
  const [rest, isMore] = await collect(list(channel, workspace, { after: "a/b/c" }));
  assert.deepEqual([rest.map(({ path }) => path), isMore], [["a-b", "a.txt", "z"], false]);
  symlinkSync("a", join(workspace, "link"));
  assert.deepEqual(await pathsOf(list(channel, join(workspace, "link"))), [".", "b", "b/c"]);
  await assert.rejects(collect(list(channel, join(workspace, "gone"))), refusedWith("ENOENT"));
  channel.close();
});

test("list: the guest serves other requests after a reader stops early", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  plant(agent.workspace, Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`f${n}`, ""])));
  for (let round = 0; round < 20; round += 1) for await (const _ of list(channel, agent.workspace)) break;
  assert.equal((await readManifest(channel, agent.workspace, 10_000)).size, 3_001);
  channel.close();
});

async function fetchAll(channel: Channel, root: string, paths: readonly string[], skips = false): Promise<string[]> {
  const got: string[] = [];
  await fetchEntries(channel, root, paths, async ({ path, type }, content) => {
    const pieces: Buffer[] = [];
    if (!skips) for await (const piece of content) pieces.push(piece);
    got.push(`${path} ${type} ${Buffer.concat(pieces).toString()}`);
  });
  return got;
}

test("fetch: returns selected entries in the requested order", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const names = Array.from({ length: 5_000 }, (_, n) => `some/directory/with a name/${n}`);
  plant(agent.workspace, {
    ...Object.fromEntries(names.map((name) => [name, `in ${name}`])),
    big: "x".repeat(1_000_000),
  });
  symlinkSync("big", join(agent.workspace, "link"));
  const expected = names.map((name) => `${name} file in ${name}`);
  assert.deepEqual(await fetchAll(channel, agent.workspace, names), expected);
  assert.deepEqual(await fetchAll(channel, agent.workspace, ["big", "link", "gone", "some", "link/x"], true), [
    "big file ",
    "link symlink ",
    "gone absent ",
    "some directory ",
    "link/x absent ",
  ]);
  assert.deepEqual(await fetchAll(channel, agent.workspace, []), []);
  await assert.rejects(fetchAll(channel, join(agent.workspace, "gone"), ["x"]), refusedWith("ENOENT"));
  channel.close();
});

test("fetch: throws the error of a failing taker, and the guest serves other requests", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  plant(agent.workspace, { big: "x".repeat(1_000_000) });
  const failing = fetchEntries(channel, agent.workspace, ["big"], async () => {
    throw new Error("no room");
  });
  await assert.rejects(failing, /no room/);
  assert.equal((await fetchAll(channel, agent.workspace, ["big"]))[0]!.length, 1_000_009);
  channel.close();
});
