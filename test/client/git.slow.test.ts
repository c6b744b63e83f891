import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PackOptions } from "../../src/client/pack/options.js";
import { packSource } from "../../src/client/pack/pack.js";
import { PyroError } from "../../src/contract/errors.js";
import { ScratchDirectory } from "../archive/trees.js";
import { joined } from "./joined.js";
import { layOutRepositories } from "./repositories.js";

/** The warnings of a push of each of the directories, by name. */
async function warningsOf(scratch: string, name: string, exclude: readonly string[] = []): Promise<readonly string[]> {
  return (await packSource(join(scratch, name), { exclude })).report().warnings;
}

test("a worktree, a submodule and a clone that borrows objects are named when pushed alone", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const data = {
    worktree: join(scratch.path, "main/.git/worktrees/worktree"),
    "super/sub": "../.git/modules/sub",
    shared: join(scratch.path, "main/.git/objects"),
    separate: join(scratch.path, "separate-data"),
    linked: "../main/.git",
  };
  for (const [name, target] of Object.entries(data)) {
    const [warning = "", ...more] = await warningsOf(scratch.path, name);
    assert.ok(warning.includes(`.git (${target})`), `${name}: ${warning}`);
    assert.match(warning, /--with-git/);
    assert.deepEqual(more, []);
    assert.deepEqual(await warningsOf(scratch.path, name, [".git"]), []);
  }
});

test("a repository whose data is sent with it needs no warning, with submodules too", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  for (const name of ["main", "super"]) assert.deepEqual(await warningsOf(scratch.path, name), [], name);
  assert.match((await warningsOf(scratch.path, "super", ["/.git"])).join(), /sub\/\.git/);
});

test("a worktree within its repository: a warning says how to repair it in the guest", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const [warning = "", ...more] = await warningsOf(scratch.path, "outer");
  assert.match(warning, /git worktree repair.*: trees\/inner\./);
  assert.deepEqual(more, []);
});

/** The source as a guest would have it: unpacked elsewhere, without the repositories around it. */
async function arrive(scratch: string, name: string, options: PackOptions) {
  const packed = await packSource(join(scratch, name), options);
  const bytes = await joined(packed.stream);
  const gone = `${scratch}-gone`;
  const guest = join(scratch, "guest");
  renameSync(scratch, gone);
  mkdirSync(guest, { recursive: true });
  execFileSync("tar", ["-x", "-C", guest], { input: bytes });
  return {
    guest,
    warnings: packed.report().warnings,
    excludedCount: packed.excludedCount,
    [Symbol.dispose]: () => renameBack(scratch, gone),
  };
}

function renameBack(scratch: string, gone: string): void {
  execFileSync("rm", ["-rf", scratch]);
  renameSync(gone, scratch);
}

function git(directory: string, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  return execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-C", directory, ...args], {
    env,
    encoding: "utf8",
  }).trim();
}

for (const [name, branch] of Object.entries({
  worktree: "worktree",
  "super/sub": "trunk",
  shared: "trunk",
  separate: null,
  linked: "trunk",
})) {
  test(`a repository that is pushed with its data works in the guest: ${name}`, async () => {
    using scratch = new ScratchDirectory();
    layOutRepositories(scratch.path);
    writeFileSync(join(scratch.path, name, "new"), "new");
    git(join(scratch.path, name), "add", "new");
    using arrived = await arrive(scratch.path, name, { withGit: true });
    const { guest } = arrived;
    assert.deepEqual(arrived.warnings, []);
    assert.match(git(guest, "status", "--porcelain"), /^A {2}new$/);
    assert.equal(git(guest, "rev-parse", "--show-toplevel"), guest);
    git(guest, "commit", "--quiet", "--message", "second");
    assert.equal(git(guest, "log", "--format=%s"), branch === null ? "second" : "second\nfirst");
    if (branch !== null) assert.equal(git(guest, "branch", "--show-current") || "trunk", branch);
    git(guest, "fsck", "--strict");
    assert.equal(git(guest, "status", "--porcelain"), "");
  });
}

test("tracked files and files that Git does not ignore are sent, also those of submodules and nested repositories", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const root = join(scratch.path, "super");
  writeFileSync(join(root, ".gitignore"), "*.o\n/build/\n.env\n");
  mkdirSync(join(root, "build"));
  for (const file of ["build/out", "a.o", "a.c", ".env", "sub/new"]) writeFileSync(join(root, file), file);
  git(root, "init", "--quiet", "nested");
  writeFileSync(join(root, "nested/file"), "");
  git(root, "add", "--force", "a.o");
  using arrived = await arrive(scratch.path, "super", { gitTracked: true, include: [".env"] });
  const files = readdirSync(arrived.guest, { recursive: true }).sort();
  assert.deepEqual(files, [
    ".env",
    ".gitignore",
    ".gitmodules",
    "a.c",
    "a.o",
    "nested",
    "nested/file",
    "sub",
    "sub/new",
  ]);
  // `.git` of three repositories, and `build`.
  assert.equal(arrived.excludedCount, 4);
});

test("no program that a repository's configuration names is run", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const root = join(scratch.path, "main");
  const evil = join(scratch.path, "evil");
  writeFileSync(evil, `#!/bin/sh\ntouch ${evil}.ran\n`, { mode: 0o755 });
  for (const setting of ["core.fsmonitor", "core.sshCommand", "core.pager", "core.alternateRefsCommand"])
    git(root, "config", setting, evil);
  writeFileSync(join(root, "file"), "");
  await packSource(root, { gitTracked: true, withGit: true });
  assert.deepEqual(
    readdirSync(scratch.path).filter((name) => name.endsWith(".ran")),
    [],
  );
  // Checks that the test can fail: Git itself runs it.
  git(root, "status");
  assert.deepEqual(
    readdirSync(scratch.path).filter((name) => name.endsWith(".ran")),
    ["evil.ran"],
  );
});

test("a source that Git cannot list is refused with Git's message", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  const cases: [string, PackOptions][] = [
    ["linked/..", { gitTracked: true }],
    ["main/.git", { withGit: true }],
    ["evil", { gitTracked: true }],
  ];
  writeFileSync(join(scratch.path, "evil"), "");
  for (const [name, options] of cases) {
    await assert.rejects(
      packSource(join(scratch.path, name), options),
      (error) => error instanceof PyroError && error.code === "SOURCE_UNSUPPORTED",
    );
  }
});
