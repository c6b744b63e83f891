import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { openEnvironmentCache } from "../../src/environments/cache.js";
import { mountingTest } from "../client/mounting-test.js";
import { FakeSource, openFakeCache, pull, temporaryDirectory } from "./fake-source.js";

test("a build without room fails with DISK_FULL, leaves nothing, and keeps the old environment", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  const { environment } = await pull(cache);
  source.during = async () => {
    throw Object.assign(new Error("write"), { code: "ENOSPC" });
  };
  await assert.rejects(pull(cache, "debian:12", true), { code: "DISK_FULL" });
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
  assert.equal((await cache.find("debian:12"))?.digest, environment.digest);
});

test("a build whose name cannot be written leaves nothing", async (context) => {
  const { cache, directory, source } = await openFakeCache(context);
  source.during = async () => void (await mkdir(join(directory, "names/debian_12.json")));
  await assert.rejects(pull(cache));
  assert.deepEqual(await readdir(join(directory, "content")), []);
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
});

mountingTest(import.meta.url, "a file system that really is full", async (context) => {
  const mountPoint = await temporaryDirectory(context);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "pyro-test", mountPoint]);
  try {
    const source = new FakeSource();
    const cache = await openEnvironmentCache({ directory: mountPoint, source });
    const { environment } = await pull(cache);
    source.during = (directory) => writeFile(join(directory, "initramfs"), Buffer.alloc(1 << 20));
    await assert.rejects(
      pull(cache, "debian:12", true),
      (error: { code: string; details: Record<string, unknown> }) => {
        assert.equal(error.code, "DISK_FULL");
        assert.equal(typeof error.details["free_bytes"], "number");
        return true;
      },
    );
    assert.deepEqual(await readdir(join(mountPoint, "tmp")), []);
    assert.equal((await cache.find("debian:12"))?.digest, environment.digest);
  } finally {
    execFileSync("umount", [mountPoint]);
  }
});
