import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { openEnvironmentCache, type InstalledEnvironment } from "../../src/environments/cache.js";
import { openFakeCache, pull } from "./fake-source.js";

const run = promisify(execFile);

type Damage = (environment: InstalledEnvironment, directory: string) => Promise<unknown>;

async function shorten(path: string, sizeBytes: number) {
  await chmod(path, 0o644);
  await truncate(path, sizeBytes);
}

async function overwrite(path: string, content: string | Buffer) {
  await chmod(path, 0o644);
  await writeFile(path, content);
}

async function flipByte(path: string) {
  const bytes = await readFile(path);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  await overwrite(path, bytes);
}

const record = (directory: string) => join(directory, "names/debian_12.json");
const manifest = (environment: InstalledEnvironment) => join(environment.directory, "manifest.json");

const damages: [what: string, damage: Damage][] = [
  ["a byte flipped in the root image", ({ rootPath }) => flipByte(rootPath)],
  ["a byte flipped in the kernel", ({ kernelPath }) => flipByte(kernelPath)],
  ["a file missing", ({ initramfsPath }) => rm(initramfsPath)],
  ["a file shortened", ({ rootPath }) => shorten(rootPath, 3)],
  [
    "a directory in place of a file",
    async ({ rootPath }) => {
      await rm(rootPath);
      await mkdir(rootPath);
    },
  ],
  ["the manifest truncated", (environment) => shorten(manifest(environment), 40)],
  ["the manifest empty", (environment) => overwrite(manifest(environment), "")],
  ["the manifest of something else", (environment) => overwrite(manifest(environment), '{"format":1}')],
  ["the manifest missing", (environment) => rm(manifest(environment))],
  ["the content missing", ({ directory }) => rm(directory, { recursive: true })],
  ["the record nonsense", (_, directory) => writeFile(record(directory), "}{")],
  ["the record empty", (_, directory) => writeFile(record(directory), "")],
  ["the record of a wrong shape", (_, directory) => writeFile(record(directory), '{"format":1,"digest":7}')],
  [
    "the record leading elsewhere",
    async (_, directory) => {
      const text = await readFile(record(directory), "utf8");
      await writeFile(record(directory), text.replace(/"digest": "[0-9a-f]+"/, '"digest": "../../../etc"'));
    },
  ],
  [
    "the record of another environment",
    async (_, directory) => {
      const text = await readFile(record(directory), "utf8");
      await writeFile(record(directory), text.replace('"debian:12"', '"debian:13"'));
    },
  ],
];

for (const [what, damage] of damages) {
  test(`${what}: find refuses it, pull repairs it`, async (context) => {
    const { cache, directory, source } = await openFakeCache(context);
    const { environment } = await pull(cache);
    await damage(environment, directory);
    await assert.rejects(cache.find("debian:12"), { code: "ENVIRONMENT_CORRUPT" });
    const outcome = await pull(cache);
    assert.deepEqual([outcome.built, outcome.repaired, source.builds], [true, true, 2]);
    const found = await cache.find("debian:12");
    assert.equal(await readFile(found?.rootPath ?? "", "utf8"), "root of debian:12, build 2");
    assert.deepEqual(await readdir(join(directory, "tmp")), []);
  });
}

test("a byte flipped with size and time kept is caught by the digests of a pull", async (context) => {
  const { cache } = await openFakeCache(context);
  const { environment } = await pull(cache);
  await flipByte(environment.rootPath);
  await utimes(environment.rootPath, 1, 1);
  assert.equal((await pull(cache)).repaired, true);
});

/** Ways in which every file gets other times and keeps its bytes. Each returns the directory to open. */
const moves: [what: string, move: (directory: string) => Promise<string>][] = [
  ["copied with `cp -r`", (directory) => copyWith("cp", "-r", directory)],
  ["copied with `cp -a`", (directory) => copyWith("cp", "-a", directory)],
  ["copied as hard links", (directory) => copyWith("cp", "-al", directory)],
  ["whose files were made writable", async (directory) => (await run("chmod", ["-R", "u+w", directory]), directory)],
  [
    "restored from a backup",
    async (directory) => {
      const backup = `${directory}-backup.tar`;
      await run("tar", ["-C", directory, "-cf", backup, "."]);
      await run("rm", ["-r", join(directory, "content"), join(directory, "names")]);
      await run("tar", ["-C", directory, "-xf", backup]);
      await rm(backup);
      return directory;
    },
  ],
];

async function copyWith(program: string, flag: string, directory: string): Promise<string> {
  const copy = join(directory, "copy");
  await mkdir(copy);
  for (const name of ["content", "names"]) await run(program, [flag, join(directory, name), copy]);
  return copy;
}

for (const [what, move] of moves) {
  test(`a home ${what} is verified by its digests, and the new times are recorded`, async (context) => {
    const { cache, directory, source } = await openFakeCache(context);
    const { environment } = await pull(cache);
    const moved = await openEnvironmentCache({ directory: await move(directory), source });
    const both = await Promise.all([moved.find("debian:12"), moved.find("debian:12")]);
    assert.deepEqual(
      both.map((found) => found?.digest),
      [environment.digest, environment.digest],
    );
    assert.equal(source.builds, 1);
    // After the new times are recorded no byte is read again: damage that keeps size and times is not seen before a pull.
    const { rootPath } = both[0]!;
    const recorded = await readFile(record(dirname(dirname(dirname(rootPath)))), "utf8");
    const { ctimeMs } = await stat(rootPath);
    assert.ok(recorded.includes(`"ctime_ms": ${ctimeMs}`), recorded);
  });
}

test("a copied home in which a byte was flipped is still refused", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  await pull(cache);
  const copy = await copyWith("cp", "-a", directory);
  const [digest = ""] = await readdir(join(copy, "content"));
  await flipByte(join(copy, "content", digest, "root.img"));
  const copied = await openEnvironmentCache({ directory: copy, source });
  await assert.rejects(copied.find("debian:12"), { code: "ENVIRONMENT_CORRUPT" });
});

test("damaged content that a VM uses stays; its name gets new content", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  const { environment } = await pull(cache);
  const release = cache.hold(environment.digest);
  await flipByte(environment.rootPath);
  await pull(cache);
  assert.equal((await readdir(join(directory, "content"))).length, 2);
  release();
  const { removed } = await cache.prune();
  assert(removed.some(({ kind, name }) => kind === "leftover" && name === environment.digest));
});

test("a content without its name is not taken for an environment", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  await pull(cache);
  await rename(record(directory), join(directory, "elsewhere"));
  assert.equal(await cache.find("debian:12"), null);
});
