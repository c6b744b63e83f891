import assert from "node:assert/strict";
import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { AgentRefusal } from "../../src/guest/refusal.js";
import { isCommitted, Stage } from "../../src/guest/stage.js";
import { stat } from "../../src/guest/stat.js";
import { until } from "../client/scratch.js";
import { AgentProcess } from "./agent-process.js";
import { type Entry, file, other, stageAll } from "./staging.js";

/** Mode, time and content of everything, staging directory included. */
function snapshot(root: string, at = "."): Record<string, string> {
  const path = join(root, at);
  const entry = lstatSync(path, { bigint: true });
  const content = entry.isFile() ? readFileSync(path, "hex") : entry.isSymbolicLink() ? readlinkSync(path) : "";
  const found = { [at]: `${entry.mode} ${entry.mtimeNs} ${entry.ino} ${content}` };
  if (entry.isDirectory()) for (const name of readdirSync(path)) Object.assign(found, snapshot(root, join(at, name)));
  return found;
}

function plant(root: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `old ${path}`);
  }
  for (const at of Object.keys(snapshot(root))) lutimesSync(join(root, at), 1, 1);
}

const settled = (workspace: string) =>
  until("what was staged is gone", () => !readdirSync(workspace).includes(".pyro-staging"));

/** The agent sets the workspace's time back just after the staged files are removed. */
async function settledAs(workspace: string, before: Record<string, string>): Promise<void> {
  await settled(workspace);
  await until("the time is as it was", () => snapshot(workspace)["."] === before["."]);
  assert.deepEqual(snapshot(workspace), before);
}

const refusedWith = (code: string, errno?: string) => (error: unknown) =>
  error instanceof AgentRefusal && error.code === code && (errno === undefined || error.errno === errno);

test("every kind of entry arrives as its header says", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const control = "\u0001".repeat(200);
  const entries = [
    other("d", { type: "directory", mode: 0o750 }),
    file("d/big", Buffer.alloc(3_000_001, "xyz")),
    ...Array.from({ length: 500 }, (_, number) => file(`many/${number}`, String(number))),
    file("réal\n", "u", { mode: 0o4777 }),
    file([control, ...Array.from({ length: 14 }, () => control)].join("/"), "deep"),
    other("l", { type: "symlink", target: "../nowhere" }),
    other("h", { type: "hardlink", target: "d/big" }),
    other(".", { type: "directory", mode: 0o711 }),
  ];
  const stage = await stageAll(channel, entries, join(agent.workspace, "new/here"), "a1");
  assert.deepEqual(await stage.finish(), {
    entries: entries.length,
    bytes: 3_000_001 + 1390 + 1 + 4,
    unchanged: 0,
    removed: 0,
    kept: 0,
  });
  assert.equal(await isCommitted(channel, "a1"), false);
  await stage.commit();
  assert.equal(await isCommitted(channel, "a1"), true);
  const root = join(agent.workspace, "new/here");
  for (const { header, content } of entries) {
    const entry = lstatSync(join(root, header.path), { bigint: true });
    if (header.type === "symlink") assert.equal(readlinkSync(join(root, header.path)), header.target);
    else
      assert.equal(Number(entry.mode) & 0o7777, header.type === "hardlink" ? 0o640 : header.mode & 0o777, header.path);
    assert.equal(entry.mtimeNs, 1_600_000_000_000_000_007n, header.path);
    if (header.type === "file") assert.ok(readFileSync(join(root, header.path)).equals(content), header.path);
  }
  const found = await stat(channel, root);
  assert.deepEqual([found.type, found.mode, found.free_bytes > 0], ["directory", 0o711, true]);
  channel.close();
});

test("a stage that is cancelled, refused or cut leaves the workspace unchanged", async () => {
  await using agent = new AgentProcess();
  let channel = await agent.connect();
  plant(agent.workspace, ["a/b/c", "a/d", "top"]);
  symlinkSync("/", join(agent.workspace, "out"));
  plant(agent.workspace, []);
  const before = snapshot(agent.workspace);
  const good = [
    file("a/b/c", "new"),
    file("a/new", Buffer.alloc(200_000)),
    other("a", { type: "directory", mode: 0o700 }),
  ];
  const bad: [Entry, string, string | undefined][] = [
    [file("../x"), "UNSAFE_PATH", undefined],
    [file("out/x"), "UNSAFE_PATH", "ELOOP"],
    [other("h", { type: "hardlink", target: "missing" }), "IO", "ENOENT"],
    [file("a/b"), "IO", "EISDIR"],
    [other("a/d", { type: "directory" }), "IO", "ENOTDIR"],
  ];
  for (const [entry, code, errno] of bad) {
    const push = async () => {
      const stage = await stageAll(channel, [...good, entry], agent.workspace, "b1");
      await stage.finish();
      await stage.commit();
    };
    await assert.rejects(push(), refusedWith(code, errno));
    await settledAs(agent.workspace, before);
  }
  for (let cut = 0; cut < 2 * good.length + 2; cut += 1) {
    const stage = await stageAll(channel, good.slice(0, cut % (good.length + 1)), agent.workspace, "c1");
    if (cut > good.length) await stage.finish();
    if (cut % 2) {
      await stage.cancel();
    } else {
      channel.close();
      const late = cut > good.length ? stage.commit() : stage.add(file("late").header);
      await assert.rejects(late, { code: "ABORTED" });
      channel = await agent.connect();
    }
    await settledAs(agent.workspace, before);
    assert.equal(await isCommitted(channel, "c1"), false);
  }
  channel.close();
});

test("a host that dies while it waits for a commit gets the outcome in the next session", async () => {
  await using agent = new AgentProcess();
  plant(agent.workspace, ["a/b"]);
  const outcomes = new Set<boolean>();
  for (let round = 0; round < 12; round += 1) {
    const before = snapshot(agent.workspace);
    const channel = await agent.connect();
    const id = `d${round}`;
    const stage = await stageAll(channel, [file("a/b", id), file(`a/${id}`)], agent.workspace, id);
    await stage.finish();
    const commit = stage.commit();
    if (round % 2) await commit;
    channel.close();
    await commit.catch(() => {});
    const next = await agent.connect();
    await settled(agent.workspace);
    const isIn = await isCommitted(next, id);
    outcomes.add(isIn);
    if (isIn) assert.equal(readFileSync(join(agent.workspace, "a/b"), "utf8"), id);
    else assert.deepEqual(snapshot(agent.workspace), before);
    next.close();
  }
  assert.ok(outcomes.has(true));
});

test("content of another size than announced is the caller's error, and a cancel works after it", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  for (const content of ["1234", "123456"]) {
    const stage = await Stage.open(channel, { path: agent.workspace, id: "e1" });
    await assert.rejects(stage.add(file("f", "12345").header, [Buffer.from(content)]), { code: "INTERNAL" });
    await stage.cancel();
    await settled(agent.workspace);
  }
  assert.deepEqual(readdirSync(agent.workspace), []);
  channel.close();
});

test("a stage waits for its windows: other requests are answered meanwhile, and a silent agent is noticed", async () => {
  const agent = new AgentProcess();
  const channel = await agent.connect();
  const stage = await Stage.open(channel, { path: agent.workspace, id: "f1" });
  const size = 40_000_000;
  const piece = Buffer.alloc(1_000_000);
  const adding = stage.add(
    { ...file("big").header, sizeBytes: size },
    Array.from({ length: 40 }, () => piece),
  );
  for (let count = 0; count < 5; count += 1) await channel.request("ping");
  await adding;
  const rest = stage.add(
    { ...file("more").header, sizeBytes: size },
    Array.from({ length: 40 }, () => piece),
  );
  const ended = assert.rejects(
    rest.then(() => stage.finish()),
    { code: "VM_DIED" },
  );
  await agent[Symbol.asyncDispose]();
  await ended;
});
