import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { Holds } from "../../src/environments/holds.js";
import { gate, openFakeCache, pull } from "./fake-source.js";

test("prune: removes environments that are not held, keeps the others, and gives the reason", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  const { environment } = await pull(cache);
  await pull(cache, "debian:13");
  const release = cache.hold(environment.digest);
  assert.equal(cache.isHeld(environment.digest), true);
  const report = await cache.prune();
  assert.deepEqual(report.removed, [{ kind: "environment", name: "debian:13" }]);
  assert.deepEqual(report.kept, [{ name: "debian:12", reason: "in use" }]);
  assert(report.freedBytes > 0);
  assert.equal(await cache.find("debian:13"), null);
  assert.notEqual(await cache.find("debian:12"), null);
  release();
  release();
  assert.equal(cache.isHeld(environment.digest), false);
  assert.equal((await cache.prune()).removed.length, 1);
  assert.deepEqual(await readdir(join(directory, "content")), []);
});

test("a dry run lists the entries that a prune removes, and changes nothing", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  const old = await pull(cache);
  await pull(cache, "debian:12", true);
  await pull(cache, "debian:13");
  const release = cache.hold(old.environment.digest);
  await mkdir(join(directory, "tmp/stale"));
  await writeFile(join(directory, "names/odd.json"), "odd");
  const before = (await readdir(directory, { recursive: true })).toSorted();
  const planned = await cache.prune(true);
  assert.deepEqual((await readdir(directory, { recursive: true })).toSorted(), before);
  assert.notEqual(await cache.find("debian:13"), null);
  assert.deepEqual(await cache.prune(), planned);
  assert.ok(planned.removed.length >= 3);
  release();
});

test("two holds need two releases", async (context) => {
  const { cache } = await openFakeCache(context);
  const { environment } = await pull(cache);
  const first = cache.hold(environment.digest);
  const second = await cache.acquire("debian:12");
  first();
  assert.equal((await cache.prune()).removed.length, 0);
  second?.release();
  assert.equal((await cache.prune()).removed.length, 1);
});

test("prune: an environment that is acquired meanwhile is whole or not found", async (context) => {
  const { cache } = await openFakeCache(context);
  for (let round = 0; round < 30; round += 1) {
    await pull(cache);
    const pruned = cache.prune();
    for (let turns = 0; turns < round; turns += 1) await Promise.resolve();
    const acquired = await cache.acquire("debian:12");
    await pruned;
    if (acquired) assert((await readdir(acquired.environment.directory)).length === 4);
    acquired?.release();
  }
});

test("prune: older builds, interrupted builds and damaged records are leftovers", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  const old = await pull(cache);
  const { environment } = await pull(cache, "debian:12", true);
  const release = cache.hold(environment.digest);
  await mkdir(join(directory, "tmp/stale"));
  await writeFile(join(directory, "names/odd.json"), "odd");
  const { removed } = await cache.prune();
  assert.deepEqual(
    removed.map(({ kind, name }) => `${kind} ${name}`).sort(),
    [`leftover ${old.environment.digest}`, "leftover odd.json", "leftover stale"].sort(),
  );
  assert.notEqual(await cache.find("debian:12"), null);
  release();
});

test("a build under way is left alone", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const reached = gate();
  const go = gate();
  source.during = async () => {
    reached.open();
    await go.opened;
  };
  const building = pull(cache);
  await reached.opened;
  const report = await cache.prune();
  assert.deepEqual(
    report.kept.map(({ reason }) => reason),
    ["being built"],
  );
  go.open();
  assert.equal((await building).built, true);
  assert.notEqual(await cache.find("debian:12"), null);
});

test("an empty cache has nothing to prune", async (context) => {
  const { cache } = await openFakeCache(context);
  assert.deepEqual(await cache.prune(), { removed: [], kept: [], freedBytes: 0 });
});

test("prune: an environment being removed is not acquired, and one in use is not removed", async () => {
  const holds = new Holds();
  const removing = gate();
  const removal = holds.ifUnheld("a", () => removing.opened);
  assert.equal(holds.isLeaving("a"), true);
  removing.open();
  assert.equal(await removal, true);
  assert.equal(holds.isLeaving("a"), false);
  const release = holds.hold("a");
  assert.equal(await holds.ifUnheld("a", () => assert.fail()), false);
  release();
});
