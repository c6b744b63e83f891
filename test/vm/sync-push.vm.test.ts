import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { ArgumentsOf, ResultOf } from "../../src/contract/operations.js";
import { TaskScratch } from "../faults/task-scratch.js";

type Push = ResultOf<"task.sync.push">;

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

/** A directory of this host; names that end with a slash are directories, a link's content begins with `->`. */
function layOut(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(scratch.directory, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(path.endsWith("/") ? full : join(full, ".."), { recursive: true });
    if (content.startsWith("->")) symlinkSync(content.slice(2), full);
    else if (!path.endsWith("/")) writeFileSync(full, content);
  }
  return root;
}

const create = (fields: Partial<ArgumentsOf<"task.create">> = {}) => scratch.create(fields);

async function say(task: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await scratch.exec(task, script);
  assert.equal(status, 0, stderr);
  return stdout;
}

const push = (task: string, source: string, ...flags: string[]) =>
  scratch.json<Push>("task", "sync", "push", task, source, ...flags);
const pushFailure = (task: string, source: string, ...flags: string[]) =>
  scratch.failure("task", "sync", "push", task, source, ...flags);

/** The facts of a tree that a push may change: names, types, modes, times, links, content. */
const LOOK = "find . -printf '%p %y %m %T@ %l\\n' | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum";

test("a task is created from a directory, changed by a push, used, deleted", async () => {
  const source = layOut("project", { "app.sh": "echo one", "lib/data": "1", "empty/": "" });
  const task = await create({ source_path: source });
  const { workspace_seed: seed } = await scratch.status(task);
  assert.deepEqual(seed, {
    mode: "directory",
    source_path: source,
    destination: "/workspace",
    entry_count: 4,
    bytes_written: 9,
    ignored_xattr_count: null,
  });
  assert.equal(await say(task, "sh app.sh; cat lib/data; ls -d empty"), "one\n1empty\n");

  const change = layOut("change", { "app.sh": "echo two", "new/file": "2" });
  const pushed = await push(task, change);
  assert.deepEqual(
    { ...pushed, duration_ms: 0 },
    {
      task_id: task,
      source_path: change,
      mode: "directory",
      destination: "/workspace",
      entry_count: 3,
      bytes_written: 9,
      excluded_count: 0,
      unchanged_count: 0,
      ignored_xattr_count: 0,
      skipped_special: 0,
      skipped_links: 0,
      changed_entries: 0,
      warnings: [],
      deleted_count: 0,
      kept_count: 0,
      duration_ms: 0,
      dry_run: false,
    },
  );
  assert.equal(await say(task, "sh app.sh; cat lib/data new/file"), "two\n12");
  const status = await scratch.status(task);
  assert.deepEqual(status.workspace_seed, seed);
  assert.equal(status.last_push?.source_path, change);
  assert.equal((await scratch.pyro(["task", "delete", task])).status, 0);
});

test("an archive is pushed unchanged, plain or gzipped, to a directory of its own", async () => {
  const task = await create();
  const source = layOut("archived", { "bin/tool": "#!/bin/sh\necho tool", link: "->bin/tool" });
  spawnSync("chmod", ["750", join(source, "bin/tool")]);
  for (const [name, flag] of [
    ["a.tar", "-cf"],
    ["a.tar.gz", "-czf"],
    ["a.tgz", "-czf"],
  ] as const) {
    const archive = join(scratch.directory, name);
    assert.equal(spawnSync("tar", ["-C", source, flag, archive, "."]).status, 0);
    const { mode, destination } = await push(task, archive, "--dest", `/workspace/${name}.d/deep`);
    assert.deepEqual({ mode, destination }, { mode: "archive", destination: `/workspace/${name}.d/deep` });
    assert.equal(await say(task, `${name}.d/deep/link; stat -Lc %a ${name}.d/deep/link`), "tool\n750\n");
  }
  assert.equal((await scratch.status(task)).last_push?.destination, "/workspace/a.tgz.d/deep");
});

test("excluded entries are counted; a dry run lists entries and changes nothing", async () => {
  const task = await create();
  const source = layOut("filtered", { "a.log": "", "keep.log": "k", "node_modules/x/y": "", "src/main": "m" });
  const flags = ["--exclude", "*.log", "--include", "keep.log", "--exclude", "node_modules/"];
  const dry = await push(task, source, "--dry-run", ...flags);
  assert.deepEqual(
    dry.entries?.map(({ path }) => path).toSorted((a, b) => a.localeCompare(b)),
    ["keep.log", "src", "src/main"],
  );
  assert.equal(dry.excluded_count, 2);
  assert.equal(await say(task, "ls -A"), "");
  assert.equal((await scratch.status(task)).last_push, null);
  const { entry_count, excluded_count } = await push(task, source, ...flags);
  assert.deepEqual({ entry_count, excluded_count }, { entry_count: 3, excluded_count: 2 });
  assert.equal(await say(task, "find . -type f | sort"), "./keep.log\n./src/main\n");
});

test("make rebuilds the files that a push changed, and no others", async () => {
  const files = {
    Makefile: "out: in other\n\tcat in other >out\n",
    in: "one\n",
    other: "o\n",
    "big.bin": "z".repeat(400_000),
  };
  const source = layOut("made", files);
  spawnSync("find", [source, "-exec", "touch", "-d", "2020-01-01", "{}", "+"]);
  const task = await create({ source_path: source });
  const make = 'test -n "$(find out -newer in -newer other 2>/dev/null)" || cat in other >out; cat out';
  assert.equal(await say(task, make), "one\no\n");
  // Written on the host before the guest built, like files of another branch.
  writeFileSync(join(source, "in"), "two\n");
  spawnSync("touch", ["-d", "2021-01-01", join(source, "in")]);
  const look = "touch mark; stat -c '%n %i %Y %Z' Makefile other big.bin";
  const before = await say(task, look);
  const dry = await push(task, source, "--dry-run");
  const { entry_count, bytes_written, unchanged_count } = await push(task, source);
  assert.deepEqual(
    { entry_count, bytes_written, unchanged_count },
    { entry_count: 4, bytes_written: 400_039, unchanged_count: 3 },
  );
  const counted = {
    entry_count: dry.entry_count,
    bytes_written: dry.bytes_written,
    unchanged_count: dry.unchanged_count,
  };
  assert.deepEqual(counted, { entry_count, bytes_written, unchanged_count });
  assert.equal(await say(task, "find . -newer mark -type f"), "./in\n");
  assert.equal(await say(task, make), "two\no\n");
  assert.equal(await say(task, look), before);
});

test("push --delete: removes entries of the seed and of pushes that the source no longer has", async () => {
  const source = layOut("shrinking", { "old/a": "1", "old/b": "1", keep: "1", edited: "1", "cache/c": "1" });
  const task = await create({ source_path: source });
  await say(task, "echo guest >edited; mkdir build; echo o >build/o; echo own >own");
  writeFileSync(join(source, "late"), "2");
  await push(task, source);
  for (const path of ["old", "edited", "cache", "late"]) rmSync(join(source, path), { recursive: true });
  const counts = ({ deleted_count, kept_count }: Push) => ({ deleted_count, kept_count });
  await say(task, "echo again >edited");
  const flags = ["--delete", "--exclude", "cache"];
  const before = await say(task, LOOK);
  assert.deepEqual(counts(await push(task, source, "--dry-run", ...flags)), { deleted_count: 4, kept_count: 1 });
  assert.equal(await say(task, LOOK), before);
  // The list of pushed entries outlives the daemon.
  assert.equal((await scratch.pyro(["daemon", "stop"])).status, 0);
  assert.deepEqual(counts(await push(task, source, ...flags)), { deleted_count: 4, kept_count: 1 });
  assert.equal(await say(task, "find . -type f | sort"), "./build/o\n./cache/c\n./edited\n./keep\n./own\n");
});

test("a sparse file stays sparse in the task, from a directory and from an archive", async () => {
  const source = layOut("sparse", {});
  assert.equal(spawnSync("truncate", ["-s", "60000000", join(source, "hole")]).status, 0);
  writeFileSync(join(source, "hole"), "end", { flag: "r+" });
  const archive = join(scratch.directory, "sparse.tar");
  assert.equal(spawnSync("tar", ["-C", source, "-S", "-cf", archive, "hole"]).status, 0);
  const task = await create();
  await push(task, source, "--dest", "a");
  await push(task, archive, "--dest", "b");
  const look =
    "for f in */hole; do stat -c %s $f; test $(stat -c %b $f) -le 16 && echo sparse; done; cmp a/hole b/hole";
  assert.equal(await say(task, look), "60000000\nsparse\n60000000\nsparse\n");
});

test("a push that fails leaves the workspace unchanged, and the error has a next step", async () => {
  const task = await create();
  await say(task, "mkdir -p real kept; echo file >file; ln -s real link; ln -s /etc out; touch -d 2020-01-01 real .");
  const before = await say(task, LOOK);
  const source = layOut("refused", { "real/new": "n", "zz/deep": "d" });
  const onto = (name: string) => layOut(`onto-${name.replace("/", "-")}`, { "aa/first": "1", [name]: "2" });
  const cases: Record<string, { source: string; flags?: string[]; code: string; status: number }> = {
    outside: { source, flags: ["--dest", "/etc"], code: "INVALID_ARGUMENT", status: 2 },
    "outside by dots": { source, flags: ["--dest", "/workspace/../etc"], code: "INVALID_ARGUMENT", status: 2 },
    "through a link": { source, flags: ["--dest", "/workspace/link/x"], code: "WORKSPACE_LINK", status: 125 },
    "through a link that leaves": { source, flags: ["--dest", "out"], code: "WORKSPACE_LINK", status: 125 },
    "onto a file": { source, flags: ["--dest", "/workspace/file"], code: "WORKSPACE_CONFLICT", status: 125 },
    "a directory onto a file": { source: onto("file/x"), code: "WORKSPACE_CONFLICT", status: 125 },
    "a directory onto a link": { source: onto("link/x"), code: "WORKSPACE_LINK", status: 125 },
    "a file onto a directory": { source: onto("kept"), code: "WORKSPACE_CONFLICT", status: 125 },
    "no source": { source: join(scratch.directory, "none"), code: "SOURCE_NOT_FOUND", status: 125 },
    "a device": { source: "/dev/null", code: "SOURCE_UNSUPPORTED", status: 125 },
  };
  for (const [name, { source: from, flags = [], code, status }] of Object.entries(cases)) {
    const failure = await pushFailure(task, from, ...flags);
    assert.deepEqual({ code: failure.code, status: failure.status }, { code, status }, `${name}: ${failure.message}`);
    assert.equal(await say(task, LOOK), before, name);
  }
  assert.equal((await scratch.status(task)).last_push, null);
});

test("a source larger than the workspace is refused before it is sent", async () => {
  const task = await create({ disk_mib: 256 });
  const source = layOut("large", {});
  assert.equal(spawnSync("truncate", ["-s", "1G", join(source, "hole")]).status, 0);
  const failure = await pushFailure(task, source);
  assert.equal(failure.code, "WORKSPACE_FULL");
  assert.equal(typeof failure.details["room_bytes"], "number");
  const archive = join(scratch.directory, "large.tar.gz");
  assert.equal(spawnSync("tar", ["-C", source, "-czf", archive, "."]).status, 0);
  const before = await say(task, "df --output=used / | tail -n 1; ls -A");
  assert.equal((await pushFailure(task, archive)).code, "WORKSPACE_FULL");
  assert.equal(await say(task, "df --output=used / | tail -n 1; ls -A"), before);
});

test("a task whose seed cannot be imported is not created", async () => {
  const source = layOut("escaping", { "a/b": "1", leaving: "->../../etc/passwd" });
  const flags = ["--mem-mib", "256", "--source-path", source, "--links", "refuse"];
  const failure = await scratch.failure("task", "create", "debian:12", ...flags);
  assert.equal(failure.code, "ARCHIVE_LINK_ESCAPES");
  assert.equal(failure.details["entry"], "leaving");
  const left = await scratch.json<ResultOf<"task.list">>("task", "list");
  assert.ok(left.tasks.every(({ workspace_seed }) => workspace_seed.source_path !== source));
});

test("a push to a task that is not running is refused", async () => {
  const source = layOut("small", { a: "1" });
  assert.equal((await pushFailure("task-000000000000", source)).code, "NOT_FOUND");
  assert.equal((await pushFailure("nonsense", source)).code, "NOT_FOUND");
  const task = await create();
  process.kill(scratch.qemuOf(task), "SIGKILL");
  const failure = await pushFailure(task, source);
  assert.ok(["FAILED_PRECONDITION", "VM_DIED"].includes(failure.code), failure.code);
});

test("two pushes at once: both succeed, and neither is applied in part", async () => {
  const task = await create();
  const names = Array.from({ length: 200 }, (_, index) => `d${index % 7}/f${index}`);
  const treeOf = (word: string) => layOut(word, Object.fromEntries(names.map((name) => [name, `${word}\n`])));
  const [one, two] = [treeOf("one"), treeOf("two")];
  await Promise.all([push(task, one), push(task, two)]);
  const counts = await say(task, "find . -type f -exec cat {} + | sort | uniq -c");
  assert.match(counts, /^ *200 (one|two)\n$/);
});
