import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Destination } from "../../../src/client/pull/destination.js";
import { PyroError } from "../../../src/contract/errors.js";
import { mountingTest } from "../mounting-test.js";
import { manifestOf, type Node, readTree } from "./guest.js";
import { Project, trees } from "./project.js";

const file = (text: string, mode = 0o644): Node => ({ type: "file", mode, text });
const directory = (mode: number): Node => ({ type: "directory", mode });

/** With its type, which an ordinary user's namespace needs. */
function remount(options: string, path: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "pyro-test", path]);
}

/** The user nobody, when the tests run as root, which may write anywhere. */
async function asOrdinaryUser(act: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}

async function withMount(words: readonly string[], target: string, act: () => Promise<void>): Promise<void> {
  execFileSync("mount", [...words, target]);
  try {
    await act();
  } finally {
    execFileSync("umount", [target]);
  }
}

/** Every kind of step: a file, a mode and a link that change, a new directory, and a file that is deleted. */
const world = trees(
  { a: file("1"), d: directory(0o755), "d/f": file("1"), "d/gone": file("g") },
  { a: file("1"), d: directory(0o755), "d/f": file("1"), "d/gone": file("g"), mine: file("m") },
  {
    a: file("2"),
    d: directory(0o700),
    "d/f": file("1", 0o755),
    l: { type: "link", target: "a" },
    n: directory(0o755),
    "n/f": file("n"),
  },
);

/** Asserts that a pull fails with the code and the path, leaves the tree unchanged and no files of its own, and settles nothing. */
async function assertRefused(project: Project, { code, path }: { code: string; path: string | RegExp }): Promise<void> {
  const before = readTree(project.host);
  const base = new Map(project.guest.base);
  await assert.rejects(project.pull({ delete: true }), (error: PyroError) => {
    assert.equal(error.code, code, error.message);
    const found = String(error.details["path"]);
    if (typeof path === "string") assert.equal(found, join(project.host, path));
    else assert.match(found, path);
    assert.ok(error.message.includes(found), error.message);
    return true;
  });
  assert.deepEqual(readTree(project.host), before);
  assert.deepEqual(project.guest.base, base);
  assertNothingLeft(project);
}

function assertNothingLeft({ home }: Project): void {
  const pulls = join(home, "pulls");
  for (const key of readdirSync(pulls)) assert.deepEqual(readdirSync(join(pulls, key)), ["lock"]);
}

async function assertPulled(project: Project): Promise<void> {
  await project.pull({ delete: true });
  for (const [path, entry] of manifestOf(project.guest.tree)) {
    if (entry.type !== "directory") assert.deepEqual(manifestOf(readTree(project.host)).get(path), entry, path);
  }
}

test("pull: a directory that the user may not write to fails with DESTINATION_UNUSABLE, and all written entries are removed again", () =>
  asOrdinaryUser(async () => {
    for (const sealed of ["d/f", "d/gone", "d/new"]) {
      using project = new Project(
        trees(
          { a: file("1"), d: directory(0o555), "d/f": file("1"), "d/gone": file("g") },
          { a: file("1"), d: directory(0o555), "d/f": file("1"), "d/gone": file("g") },
          {
            ...{ a: file("2"), b: directory(0o755), "b/c": file("c"), d: directory(0o555) },
            "d/f": file(sealed === "d/f" ? "2" : "1"),
            ...(sealed !== "d/gone" && { "d/gone": file("g") }),
            ...(sealed === "d/new" && { "d/new": file("n") }),
          },
        ),
      );
      await assertRefused(project, { code: "DESTINATION_UNUSABLE", path: sealed });
      chmodSync(join(project.host, "d"), 0o755);
      await assertPulled(project);
    }
  }));

test("pull: a file of the host that the user may not read fails with DESTINATION_UNUSABLE", () =>
  asOrdinaryUser(async () => {
    using project = new Project(trees({ a: file("1") }, { a: file("1", 0o200) }, { a: file("2") }));
    await assert.rejects(project.pull(), { code: "DESTINATION_UNUSABLE", message: /host\/a: permission denied/ });
    chmodSync(join(project.host, "a"), 0o644);
    await assertPulled(project);
  }));

mountingTest(
  import.meta.url,
  "pull: a destination on a read-only file system fails with DESTINATION_UNUSABLE, and stays as it is",
  async () => {
    for (const path of [null, "a", "d", "d/f", "d/gone", "l", "n"]) {
      // All changes, or one change alone.
      const only = (tree: ReadonlyMap<string, Node>) =>
        new Map([...world.base, ...[...tree].filter(([at]) => path === null || at === path)]);
      const task = new Map(path === null ? world.task : only(world.task));
      if (path === "d/gone") task.delete(path);
      using project = new Project({ ...world, task });
      await withMount(["--bind", "-o", "ro", project.host], project.host, async () => {
        await assertRefused(project, { code: "DESTINATION_UNUSABLE", path: path ?? "d/gone" });
      });
      await assertPulled(project);
    }
  },
);

mountingTest(
  import.meta.url,
  "pull: a full disk of the destination is DISK_FULL, and what the pull wrote is taken back",
  async () => {
    const large = (letter: string) => file(letter.repeat(400_000));
    using project = new Project(
      trees(
        { a: large("1") },
        {},
        { a: large("2"), d: directory(0o755), "d/b": large("b"), "d/c": large("c"), z: file("z") },
      ),
    );
    await withMount(["-t", "tmpfs", "-o", "size=1m", "pyro-test"], project.host, async () => {
      writeFileSync(join(project.host, "a"), "1".repeat(400_000), { mode: 0o644 });
      await assertRefused(project, { code: "DISK_FULL", path: /\/host\/d\/[bc]$/ });
      remount("remount,size=4m", project.host);
      await assertPulled(project);
      remount("remount,size=1300k", project.host);
      await project.undo();
      assert.deepEqual([...readTree(project.host).keys()], ["a"]);
    });
  },
);

mountingTest(import.meta.url, "pull: a full disk of PYRO_HOME is DISK_FULL, and nothing is left in it", async () => {
  using project = new Project(trees({}, { mine: file("m") }, { a: file("a".repeat(3_000_000)), b: file("b") }));
  await withMount(["-t", "tmpfs", "-o", "size=1m", "pyro-test"], project.home, async () => {
    await assertRefused(project, { code: "DISK_FULL", path: /\/home\/pulls\// });
    remount("remount,size=8m", project.home);
    await assertPulled(project);
  });
});

test("pull: steps that cannot be undone stay in the journal, and the next command undoes them", () =>
  asOrdinaryUser(async () => {
    using project = new Project(trees({}, {}, { d: directory(0o755), "d/f": file("1") }));
    const sealed = join(project.host, "d");
    const destination = await Destination.open(project.home, project.host);
    const work = await destination.begin(project.guest);
    const steps = [{ path: "d/f", before: null, after: manifestOf(project.guest.tree).get("d/f") }];
    writeFileSync(join(work, "steps.json"), JSON.stringify({ steps, base: [] }));
    mkdirSync(sealed);
    writeFileSync(join(sealed, "f"), "1");
    chmodSync(sealed, 0o555);
    const failure = new PyroError("DISK_FULL", "Full.");
    await assert.rejects(destination.cancel(failure), {
      code: "DISK_FULL",
      message: /A part of the pull stays in .*d\/f/,
    });
    destination.close();
    await assert.rejects(project.undo(), { code: "DESTINATION_UNUSABLE" });
    chmodSync(sealed, 0o755);
    assert.equal((await project.undo()).recovery, "rolled-back");
    assert.ok(!existsSync(join(sealed, "f")));
    assertNothingLeft(project);
  }));

test("pull: a file that a program of the host keeps writing to is never lost", async () => {
  using project = new Project(
    trees({ a: file("1"), b: file("1") }, { a: file("1"), b: file("1") }, { a: file("2"), b: file("2") }),
  );
  const { guest } = project;
  const exported = guest.export.bind(guest);
  let count = 0;
  const write = () => writeFileSync(join(project.host, "a"), `line ${(count += 1)}\n`, { flag: "a" });
  guest.export = async (paths, take) => {
    write();
    await exported(paths, take);
    write();
  };
  await assert.rejects(project.pull(), { code: "DESTINATION_CHANGED", message: / a\.$/ });
  const { conflicts } = await project.pull();
  assert.deepEqual(
    conflicts.map(({ path }) => path),
    ["a"],
  );
  assert.equal(readFileSync(join(project.host, "a"), "utf8"), "1line 1\nline 2\n");
  assertNothingLeft(project);
});
