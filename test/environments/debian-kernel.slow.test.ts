import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import { fetchKernel } from "../../src/environments/debian/kernel.js";
import { buildSource } from "../../src/environments/debian/package-source.js";
import { mountingTest } from "../client/mounting-test.js";
import { isPackage, Mirror, mirrorFaults } from "../toolchain/mirror.js";
import { readCpio } from "./cpio.js";
import { temporaryDirectory, unhurried } from "./fake-source.js";
import { setVariables } from "./registry/cache.js";

const VERSION = "6.1.0-9-cloud-amd64";
/** The modules that the initramfs needs. In this test's kernel all of them are built in. */
const builtin = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_rng", "crc32c_generic", "ext4", "overlay"]
  .concat("af_packet", "virtio_net")
  .map((name) => `kernel/${name}.ko\n`)
  .join("");

const kernel = {
  name: `linux-image-${VERSION}`,
  version: "6.1.9-1",
  depends: "kmod",
  files: {
    [`boot/vmlinuz-${VERSION}`]: "the kernel",
    [`lib/modules/${VERSION}/modules.builtin`]: builtin,
    [`lib/modules/${VERSION}/kernel/other.ko`]: "not loaded",
  },
};
const meta = {
  name: "linux-image-cloud-amd64",
  version: "6.1.9-1",
  depends: `kmod, ${kernel.name} (= 6.1.9-1)`,
  files: {},
};
const kmod = { name: "kmod", version: "1", files: { "usr/bin/kmod": "not fetched" } };

async function openMirror(context: TestContext, packages = [kernel, meta, kmod]): Promise<Mirror> {
  const mirror = await Mirror.open();
  context.after(() => mirror[Symbol.asyncDispose]());
  mirror.offer("bookworm", packages);
  return mirror;
}

const follower = () => ({ signal: unhurried(), onProgress: () => {} });
const bookworm = (mirror: Mirror, keyring?: string) => mirror.source(keyring, "bookworm");

test("the kernel is fetched alone, and its package leaves nothing but the kernel and the initramfs", async (context) => {
  const [mirror, directory] = [await openMirror(context), await temporaryDirectory(context)];
  const facts = await fetchKernel(directory, follower(), bookworm(mirror));
  assert.deepEqual(facts, { version: VERSION, packageName: kernel.name, packageVersion: "6.1.9-1" });
  assert.deepEqual(readdirSync(directory).toSorted(), ["initramfs", "kernel"]);
  assert.equal(readFileSync(join(directory, "kernel"), "utf8"), "the kernel");
  const members = readCpio(readFileSync(join(directory, "initramfs"))).map(({ name }) => name);
  assert.deepEqual(members, ["modules", "modules/order"]);
  assert.deepEqual(
    mirror.requests.filter((path) => path.endsWith(".deb")),
    [`/pool/${kernel.name}_6.1.9-1_amd64.deb`],
  );
});

const reasonOf = async (fetching: Promise<unknown>) => {
  const error = await fetching.then(
    () => assert.fail("it was fetched"),
    (thrown: PyroError) => thrown,
  );
  return [error.code, error.details["reason"]];
};

for (const [what, fault, reason] of mirrorFaults()) {
  test(`${what}: ENVIRONMENT_BUILD_FAILED`, async (context) => {
    const [mirror, directory] = [await openMirror(context), await temporaryDirectory(context)];
    mirror.fault = fault;
    const found = await reasonOf(fetchKernel(directory, follower(), bookworm(mirror)));
    assert.deepEqual(found, ["ENVIRONMENT_BUILD_FAILED", reason]);
  });
}

test("an archive signed with a foreign key, one without a kernel, and no network: ENVIRONMENT_BUILD_FAILED", async (context) => {
  const [mirror, foreign, directory] = [
    await openMirror(context),
    await openMirror(context),
    await temporaryDirectory(context),
  ];
  const fetchInto = (name: string, source: ReturnType<Mirror["source"]>) => {
    mkdirSync(join(directory, name));
    return reasonOf(fetchKernel(join(directory, name), follower(), source));
  };
  const failed = (reason: string) => ["ENVIRONMENT_BUILD_FAILED", reason];
  assert.deepEqual(await fetchInto("foreign", bookworm(foreign, mirror.keyring)), failed("signature"));
  assert.deepEqual(foreign.requests.filter(isPackage), []);
  mirror.offer("bookworm", [kmod]);
  assert.deepEqual(await fetchInto("none", bookworm(mirror)), failed("package_missing"));
  const lines = ["deb http://127.0.0.1:9 bookworm main"];
  assert.deepEqual(await fetchInto("offline", { ...bookworm(mirror), lines }), failed("mirror_unreachable"));
});

test("a host without Debian's keys, and mirrors of another release only: the error names the next step", async (context) => {
  const [mirror, directory] = [await openMirror(context), await temporaryDirectory(context)];
  await assert.rejects(fetchKernel(directory, follower(), bookworm(mirror, "/nonexistent.gpg")), {
    code: "HOST_NOT_ABLE",
    hint: "sudo apt-get install debian-archive-keyring",
  });
  const choose = () => buildSource(["deb http://mirror.example sid main"], { suite: "bookworm", purpose: "a kernel" });
  assert.throws(choose, { code: "INVALID_ARGUMENT", message: /bookworm/ });
});

test("a cancelled fetch ends apt", async (context) => {
  const [mirror, directory] = [await openMirror(context), await temporaryDirectory(context)];
  const controller = new AbortController();
  mirror.fault = (path) => {
    if (!isPackage(path)) return false;
    controller.abort();
    return true;
  };
  await assert.rejects(fetchKernel(directory, { ...follower(), signal: controller.signal }, bookworm(mirror)), {
    name: "AbortError",
  });
});

test("a cancelled fetch: the temporary files of apt are in the fetch's own directory", async (context) => {
  const [mirror, directory, outside] = [
    await openMirror(context),
    await temporaryDirectory(context),
    await temporaryDirectory(context),
  ];
  const programs = await temporaryDirectory(context);
  writeFileSync(join(programs, "apt-get"), '#!/bin/sh\nmktemp -t apt.data.XXXXXX\nexec /usr/bin/apt-get "$@"\n', {
    mode: 0o755,
  });
  setVariables(context, { TMPDIR: outside, PATH: `${programs}${delimiter}${process.env["PATH"]}` });
  const controller = new AbortController();
  mirror.fault = (path) => {
    if (isPackage(path)) controller.abort();
    return isPackage(path);
  };
  await assert.rejects(fetchKernel(directory, { ...follower(), signal: controller.signal }, bookworm(mirror)));
  const left = (place: string) => readdirSync(place, { recursive: true, encoding: "utf8" });
  assert.equal(left(directory).filter((name) => /\/apt\.data\./.test(name)).length, 2, "of two commands of apt");
  assert.deepEqual(left(outside), []);
});

mountingTest(import.meta.url, "a small disk: DISK_FULL before anything is fetched", async (context) => {
  const [mirror, mountPoint] = [await openMirror(context), await temporaryDirectory(context)];
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "pyro-test", mountPoint]);
  try {
    assert.equal((await reasonOf(fetchKernel(mountPoint, follower(), bookworm(mirror))))[0], "DISK_FULL");
    assert.deepEqual([mirror.requests, readdirSync(mountPoint)], [[], []]);
  } finally {
    execFileSync("umount", [mountPoint]);
  }
});
