import assert from "node:assert/strict";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { openEnvironmentCache } from "../../src/environments/cache.js";
import type { PullProgress } from "../../src/environments/source.js";
import { FakeSource, gate, openFakeCache, pull, unhurried, untilAborted } from "./fake-source.js";

test("an environment is found after its pull, also by the next daemon, and not before", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  assert.equal(await cache.find("debian:12"), null);
  const outcome = await pull(cache);
  assert.deepEqual([outcome.built, outcome.repaired], [true, false]);
  for (const opened of [cache, await openEnvironmentCache({ directory, source })]) {
    const found = await opened.find("debian:12");
    assert.equal(found?.digest, outcome.environment.digest);
    assert.equal(await readFile(found?.rootPath ?? "", "utf8"), "root of debian:12, build 1");
    assert.equal(found?.manifest.kernel_version, "6.1");
  }
  assert.equal(await cache.find("debian:13"), null);
});

test("an installed environment is read-only and has no other files", async (context) => {
  const { cache } = await openFakeCache(context);
  const { directory } = (await pull(cache)).environment;
  const names = await readdir(directory);
  assert.deepEqual(names.sort(), ["initramfs", "kernel", "manifest.json", "root.img"]);
  for (const name of names) assert.equal((await lstat(join(directory, name))).mode & 0o777, 0o444);
});

test("an unknown name is refused by every call", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  const unknown = { code: "ENVIRONMENT_UNKNOWN" };
  await assert.rejects(cache.find("../../x"), unknown);
  await assert.rejects(pull(cache, "../../x"), unknown);
  assert.deepEqual(await readdir(join(directory, "names")), []);
});

test("a pull of an installed environment builds nothing, unless rebuild is set", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const first = await pull(cache);
  const second = await pull(cache);
  assert.deepEqual([second.built, second.repaired, source.builds], [false, false, 1]);
  assert.equal(second.environment.pulledAt, first.environment.pulledAt);
  const third = await pull(cache, "debian:12", true);
  assert.deepEqual([third.built, third.repaired, source.builds], [true, false, 2]);
  assert.equal((await cache.find("debian:12"))?.digest, third.environment.digest);
});

test("pulls of one name at once share one build; a late pull gets the current progress", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const reached = gate();
  const go = gate();
  source.during = async () => {
    reached.open();
    await go.opened;
  };
  const early = [pull(cache), pull(cache)];
  await reached.opened;
  const heard: PullProgress[] = [];
  const late = cache.pull("debian:12", {
    rebuild: false,
    signal: unhurried(),
    onProgress: (progress) => heard.push(progress),
  });
  assert.equal(heard[0]?.fraction, 0.5);
  go.open();
  const outcomes = await Promise.all([...early, late]);
  assert.equal(source.builds, 1);
  assert.equal(new Set(outcomes.map((outcome) => outcome.environment.digest)).size, 1);
  assert.equal(heard.at(-1)?.phase, "ready");
  assert.equal(heard.at(-1)?.fraction, 1);
});

test("pulls of two names do not wait for each other", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const both = gate();
  source.during = async () => {
    if (source.builds === 2) both.open();
    await both.opened;
  };
  await Promise.all([pull(cache), pull(cache, "debian:13")]);
  assert.equal(source.builds, 2);
});

test("one caller's cancel does not end the other's build", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const reached = gate();
  const go = gate();
  source.during = async () => {
    reached.open();
    await go.opened;
  };
  const impatient = new AbortController();
  const cancelled = cache.pull("debian:12", { rebuild: false, signal: impatient.signal, onProgress: () => {} });
  const patient = pull(cache);
  await reached.opened;
  impatient.abort();
  await assert.rejects(cancelled, { code: "ABORTED" });
  go.open();
  assert.equal((await patient).built, true);
  assert.equal(source.builds, 1);
});

test("the last caller's cancel ends the build and leaves nothing; the next pull starts anew", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  const reached = gate();
  source.during = (_, options) => {
    reached.open();
    return untilAborted(options);
  };
  const controllers = [new AbortController(), new AbortController()];
  const cancelled = controllers.map(({ signal }) =>
    cache.pull("debian:12", { rebuild: false, signal, onProgress: () => {} }),
  );
  await reached.opened;
  for (const controller of controllers) controller.abort();
  source.during = async () => {};
  const next = pull(cache);
  for (const outcome of cancelled) await assert.rejects(outcome, { code: "ABORTED" });
  assert.equal((await next).built, true);
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
  assert.equal(source.builds, 2);
});

test("a pull that is cancelled before it starts builds nothing", async (context) => {
  const { cache, source } = await openFakeCache(context);
  const signal = AbortSignal.abort();
  await assert.rejects(cache.pull("debian:12", { rebuild: false, signal, onProgress: () => {} }), { code: "ABORTED" });
  assert.equal(source.builds, 0);
});

test("progress never falls and ends with ready, also when nothing is built", async (context) => {
  const { cache } = await openFakeCache(context);
  for (const expected of ["check,download,digest,ready", "check,ready"]) {
    const heard: PullProgress[] = [];
    await cache.pull("debian:12", { rebuild: false, signal: unhurried(), onProgress: (event) => heard.push(event) });
    assert.equal(heard.map(({ phase }) => phase).join(), expected);
    for (const [index, { fraction }] of heard.entries()) assert(fraction >= (heard[index - 1]?.fraction ?? 0));
  }
});

test("a failed build returns its error and leaves nothing", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  source.during = async () => {
    throw new Error("broken");
  };
  await assert.rejects(pull(cache), /broken/);
  assert.equal(source.discarded.length, 1);
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
  assert.deepEqual(await readdir(join(directory, "content")), []);
  assert.equal(await cache.find("debian:12"), null);
});

test("stale temporary directories are removed when the cache opens", async (context) => {
  const { cache, directory } = await openFakeCache(context);
  await pull(cache);
  const stale = new FakeSource();
  const hung = gate();
  stale.during = async () => {
    hung.open();
    await new Promise(() => {});
  };
  const dying = await openEnvironmentCache({ directory, source: stale });
  void pull(dying, "debian:13");
  await hung.opened;
  assert.equal((await readdir(join(directory, "tmp"))).length, 1);
  const next = new FakeSource();
  const reopened = await openEnvironmentCache({ directory, source: next });
  assert.equal(await reopened.find("debian:13"), null);
  assert.equal((await pull(reopened)).built, false);
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
  assert.equal(next.discarded.length, 1);
  assert.notEqual(await reopened.find("debian:12"), null);
});
