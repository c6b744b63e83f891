import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { createFilter } from "../../../src/archive/filter.js";
import { readArchive } from "../../../src/archive/read.js";
import { packSource } from "../../../src/client/pack/pack.js";
import { isGone, replacedIn, stageRemovals } from "../../../src/core/workspace/removals.js";
import type { Channel } from "../../../src/guest/channel.js";
import { Stage } from "../../../src/guest/stage.js";
import { PushedFiles } from "../../../src/store/pushed-files.js";
import { AgentProcess } from "../../guest/agent-process.js";
import { fc, inAll } from "../../property.js";

const ROUTE = { sourcePath: "/src", destination: "/workspace" };

/** A source, a workspace and the lists of what was pushed, without a VM. */
class Project implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pyro-delete-"));
  readonly source = join(this.directory, "source");
  readonly files = new PushedFiles(join(this.directory, "task"));
  readonly #channel: Channel;
  readonly workspace: string;
  #ids = 0;

  constructor(channel: Channel, workspace: string) {
    this.#channel = channel;
    this.workspace = workspace;
    mkdirSync(this.source);
    mkdirSync(workspace);
  }

  async push({ exclude = [], isDeleting = false }: { exclude?: string[]; isDeleting?: boolean }) {
    this.#ids += 1;
    const id = `${Date.now().toString(16)}${this.#ids.toString(16)}`;
    const filter = createFilter({ exclude });
    const paths = new Set<string>();
    await using stage = await Stage.open(this.#channel, { path: this.workspace, id });
    for await (const { target, content, ...header } of readArchive(
      (await packSource(this.source, { exclude })).stream,
    )) {
      await stage.add(target === null ? header : { ...header, target }, content);
      paths.add(header.type === "directory" ? `${header.path}/` : header.path);
    }
    const gone = (path: string) => isGone(path, paths, filter);
    const isReplaced = replacedIn(paths);
    await stageRemovals(stage, this.files.read(ROUTE), { isReplaced, isGone: (path) => isDeleting && gone(path) });
    await stage.finish();
    await this.files.prepare(
      ROUTE,
      id,
      paths,
      this.#left((path) => !paths.has(path) && !isReplaced(path) && (!isDeleting || !gone(path))),
    );
    const committed = await stage.commit();
    await this.files.settle(id, committed.at);
    return committed;
  }

  async *#left(isLeft: (path: string) => boolean) {
    for await (const file of this.files.read(ROUTE)) if (isLeft(file.path)) yield file;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.workspace, { recursive: true, force: true });
  }
}

type Files = Record<string, string>;

function write(root: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

function read(root: string, at = "", found: Files = {}): Files {
  for (const name of readdirSync(join(root, at))) {
    const path = at === "" ? name : `${at}/${name}`;
    if (name === ".pyro-staging") continue;
    if (lstatSync(join(root, path)).isDirectory()) read(root, path, found);
    else found[path] = readFileSync(join(root, path), "utf8");
  }
  return found;
}

test("push --delete: removes entries that the source no longer has, and none that the guest made or changed", async () => {
  await using agent = new AgentProcess();
  using project = new Project(await agent.connect(), join(agent.workspace, "w"));
  write(project.source, { "a/old": "1", "a/stays": "1", "b/c/old": "1", changed: "1", "cache/x": "1" });
  await project.push({});
  write(project.workspace, { "a/built": "guest", changed: "guest", own: "guest" });
  for (const path of ["a/old", "b", "changed", "cache"]) rmSync(join(project.source, path), { recursive: true });
  const { removed, kept } = await project.push({ isDeleting: true, exclude: ["cache"] });
  assert.deepEqual({ removed, kept }, { removed: 4, kept: 1 });
  const left = { "a/built": "guest", "a/stays": "1", "cache/x": "1", changed: "guest", own: "guest" };
  assert.deepEqual(read(project.workspace), left);
  assert.deepEqual(readdirSync(project.workspace).includes("b"), false);
  const again = await project.push({ isDeleting: true });
  assert.deepEqual([again.removed, read(project.workspace)["cache/x"]], [2, undefined]);
});

test("a push without --delete records the entries that a later push --delete removes", async () => {
  await using agent = new AgentProcess();
  using project = new Project(await agent.connect(), join(agent.workspace, "w"));
  write(project.source, { a: "1", b: "1" });
  await project.push({});
  rmSync(join(project.source, "a"));
  await project.push({});
  assert.deepEqual(Object.keys(read(project.workspace)), ["a", "b"]);
  assert.equal((await project.push({ isDeleting: true })).removed, 1);
  assert.deepEqual(Object.keys(read(project.workspace)), ["b"]);
});

test("after any pushes with --delete, the workspace has the source's entries and the guest's own", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const path = fc
    .tuple(fc.constantFrom("a", "b", "a/x"), fc.integer({ min: 0, max: 4 }))
    .map(([folder, n]) => `${folder}/f${n}`);
  const files = fc.dictionary(path, fc.constantFrom("1", "2"), { maxKeys: 8 });
  const step = fc.record({ source: files, guest: files, isDeleting: fc.boolean() });
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      using project = new Project(channel, join(agent.workspace, "w"));
      const expected: Files = {};
      /** The pushed entries that the guest has not changed. */
      const brought = new Set<string>();
      for (const { source, guest, isDeleting } of steps) {
        rmSync(project.source, { recursive: true });
        mkdirSync(project.source);
        write(project.source, source);
        if (isDeleting) {
          for (const known of brought) {
            if (known in source) continue;
            delete expected[known];
            brought.delete(known);
            removed += 1;
          }
        }
        Object.assign(expected, source);
        for (const known of Object.keys(source)) brought.add(known);
        await project.push({ isDeleting });
        assert.deepEqual(read(project.workspace), expected);
        // Writes new names, and over pushed entries.
        write(project.workspace, guest);
        for (const changed of Object.keys(guest)) brought.delete(changed);
        Object.assign(expected, guest);
      }
    }),
    { numRuns: inAll(40) },
  );
  assert.ok(removed > 0);
});

/** Each kind of entry that a source can have at `x`. */
const KINDS: Readonly<Record<string, (at: string) => void>> = {
  file: (at) => writeFileSync(at, "file"),
  link: (at) => symlinkSync("away", at),
  directory: (at) => mkdirSync(at),
  full: (at) => write(at, { "sub/f": "f", g: "g" }),
};

function shapeOf(root: string, at = "x"): string {
  const found = lstatSync(join(root, at));
  if (found.isSymbolicLink()) return `-> ${readlinkSync(join(root, at))}`;
  if (found.isFile()) return readFileSync(join(root, at), "utf8");
  return `{${readdirSync(join(root, at))
    .toSorted()
    .map((name) => `${name} ${shapeOf(root, join(at, name))}`)
    .join()}}`;
}

test("a push replaces an entry whose type changed in the source; a full directory only with --delete", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  for (const [before, make] of Object.entries(KINDS)) {
    for (const [after, remake] of Object.entries(KINDS).filter(([kind]) => kind !== before)) {
      for (const isDeleting of [false, true]) {
        using project = new Project(channel, join(agent.workspace, "w"));
        make(join(project.source, "x"));
        await project.push({});
        rmSync(join(project.source, "x"), { recursive: true });
        remake(join(project.source, "x"));
        const push = project.push({ isDeleting });
        const wouldDelete = before === "full" && after !== "directory";
        if (wouldDelete && !isDeleting) {
          await assert.rejects(push, { errno: "ENOTEMPTY", path: join(project.workspace, "x/g") });
          continue;
        }
        const { removed, kept } = await push;
        assert.deepEqual({ removed, kept }, { removed: before === "full" && isDeleting ? 3 : 0, kept: 0 });
        if (before !== "full" || isDeleting) assert.equal(shapeOf(project.workspace), shapeOf(project.source));
        // The list of what was pushed is that of the new types.
        rmSync(join(project.source, "x"), { recursive: true });
        await project.push({ isDeleting: true });
        assert.deepEqual(readdirSync(project.workspace), [], `${before} ${after}`);
      }
    }
  }
});

test("a push replaces no directory in which the guest made or changed an entry, and no file that the guest changed", async () => {
  await using agent = new AgentProcess();
  using project = new Project(await agent.connect(), join(agent.workspace, "w"));
  write(project.source, { "x/f": "1", y: "1", "z/cache/c": "1" });
  await project.push({});
  for (const path of ["x", "y", "z"]) rmSync(join(project.source, path), { recursive: true });
  write(project.source, { x: "2", "y/f": "2" });
  const own = join(project.workspace, "x/own");
  writeFileSync(own, "guest");
  await assert.rejects(project.push({ isDeleting: true }), { errno: "ENOTEMPTY", path: own });
  rmSync(own);
  writeFileSync(join(project.workspace, "y"), "guest");
  await assert.rejects(project.push({ isDeleting: true }), { errno: "ENOTDIR", path: join(project.workspace, "y") });
  rmSync(join(project.workspace, "y"));
  writeFileSync(join(project.source, "z"), "2");
  const excluding = project.push({ isDeleting: true, exclude: ["cache"] });
  await assert.rejects(excluding, { errno: "ENOTEMPTY", path: join(project.workspace, "z/cache") });
  await project.push({ isDeleting: true });
  assert.deepEqual(read(project.workspace), { x: "2", "y/f": "2", z: "2" });
});
