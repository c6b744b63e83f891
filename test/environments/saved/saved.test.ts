import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { diskUsageBytes } from "../../../src/host/disk.js";
import { pull, unhurried } from "../fake-source.js";
import { openHome, save } from "./scratch.js";

test("a saved disk: starts VMs with the files of the environment below it, also after the home is opened anew", async (context) => {
  const home = await openHome(context);
  const { digest } = await save(home, "web:ready");
  for (const environments of [home.environments, await home.open()]) {
    const held = await environments.acquire("web:ready");
    assert.ok(held);
    const { environment } = held;
    assert.deepEqual([environment.digest, environment.recipe.name], [digest, "web:ready"]);
    assert.equal(readFileSync(environment.rootPath, "utf8"), "root of debian:12, build 1");
    assert.ok(readFileSync(environment.savedDisk!.path, "utf8").endsWith("files"));
    assert.equal(environments.filesOf(digest).rootPath, environment.rootPath);
    held.release();
  }
});

test("a saved disk: the environment below it is neither pruned nor removed, and is named", async (context) => {
  const home = await openHome(context);
  await save(home, "web");
  const { removed, kept } = await home.environments.prune();
  assert.deepEqual(removed, []);
  assert.deepEqual(
    kept.map(({ name }) => name),
    ["debian:12", "web"],
  );
  await assert.rejects(home.environments.remove("debian:12"), {
    code: "FAILED_PRECONDITION",
    details: { environment: "debian:12", needed_by: ["web"] },
  });
  // After a rebuild, the old content stays for the disk.
  await pull(home.cache, "debian:12", true);
  await home.environments.prune();
  const found = await home.environments.find("web");
  assert.equal(readFileSync(found!.rootPath, "utf8"), "root of debian:12, build 1");
});

test("a saved disk: is removed once nothing uses it, and then nothing of it is left", async (context) => {
  const home = await openHome(context);
  const before = await diskUsageBytes(home.path);
  const { digest } = await save(home, "web");
  const release = home.environments.hold(digest);
  await assert.rejects(home.environments.remove("web"), { code: "FAILED_PRECONDITION" });
  release();
  const { freedBytes } = await home.environments.remove("web");
  assert.ok(freedBytes > 0);
  assert.deepEqual([readdirSync(home.path), await diskUsageBytes(home.path)], [[], before]);
  await assert.rejects(home.environments.acquire("web"), { code: "ENVIRONMENT_UNKNOWN" });
  assert.deepEqual((await home.environments.prune()).removed, [{ kind: "environment", name: "debian:12" }]);
});

test("a saved disk that cannot be written leaves nothing, and none that is cancelled is listed", async (context) => {
  const home = await openHome(context);
  const { environment } = await pull(home.cache);
  const about = {
    ...{ name: "web", task_id: null, snapshot_id: null, disk_mib: 16, environment: "debian:12" },
    environment_digest: environment.digest,
  };
  const { saved } = home.environments;
  const full = async () => Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  await assert.rejects(saved.save(about, full, unhurried()), { code: "DISK_FULL" });
  const half = async (to: string) => writeFileSync(to, "half");
  await assert.rejects(saved.save(about, half, unhurried()), { code: "INTERNAL" });
  await assert.rejects(save(home, "../web"), { code: "INVALID_ARGUMENT" });
  assert.deepEqual([readdirSync(home.path), saved.list()], [[], []]);
});

test("a saved disk with changed bytes is found by a pull", async (context) => {
  const home = await openHome(context);
  const { diskPath } = await save(home, "web");
  const check = () => home.environments.pull("web", { rebuild: false, signal: unhurried(), onProgress: () => {} });
  assert.equal((await check()).built, false);
  chmodSync(diskPath, 0o600);
  writeFileSync(diskPath, "changed");
  await assert.rejects(check(), { code: "ENVIRONMENT_CORRUPT" });
});

for (const change of [{ name: "../web" }, { disk_mib: 2 ** 40 }]) {
  test(`a saved disk whose record has ${JSON.stringify(change)} is damaged, and the home is opened`, async (context) => {
    const home = await openHome(context);
    const { directory, record } = await save(home, "web");
    writeFileSync(join(directory, "saved.json"), JSON.stringify({ ...record, ...change }));
    const { saved } = await home.open();
    assert.deepEqual([saved.list(), saved.damaged], [[], ["web"]]);
  });
}

test("a saved disk whose record cannot be read stays, and can be removed", async (context) => {
  const home = await openHome(context);
  const { directory } = await save(home, "web:1");
  writeFileSync(join(directory, "saved.json"), "{");
  const environments = await home.open();
  assert.deepEqual([environments.saved.list(), environments.saved.damaged], [[], ["web:1"]]);
  await environments.remove("web:1");
  assert.deepEqual([existsSync(directory), environments.saved.damaged], [false, []]);
});
