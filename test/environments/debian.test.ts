import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { catalog } from "../../src/environments/catalog.js";
import { debianSource } from "../../src/environments/debian.js";
import { assertAbleToBuild, countSubordinateIds } from "../../src/environments/debian/able.js";
import { buildBootstrapCommand, buildTracedCommand } from "../../src/environments/debian/commands.js";
import { buildFailureError, classifyBuildFailure, meaningfulLines } from "../../src/environments/debian/failure.js";
import { parsePackages } from "../../src/environments/debian/packages.js";
import { bootstrapProgress } from "../../src/environments/debian/progress.js";
import { BlobCache } from "../../src/environments/registry/blobs.js";
import type { PullProgress } from "../../src/environments/source.js";
import { mountingTest } from "../client/mounting-test.js";
import { temporaryDirectory, unhurried } from "./fake-source.js";

const space = { path: "/var/tmp", freeBytes: 1 << 20, neededBytes: 1 << 30 };

const failures: [line: string, reason: string][] = [
  ["cp: error writing 'x': No space left on device", "disk_full"],
  ["E: You don't have enough free space in /var/cache/apt/archives/.", "disk_full"],
  ["Err:1 MIRROR bookworm InRelease  Temporary failure resolving 'MIRROR'", "mirror_unreachable"],
  ["E: Failed to fetch MIRROR  Could not connect to MIRROR:80", "mirror_unreachable"],
  ["W: GPG error: MIRROR bookworm InRelease: NO_PUBKEY 0E98404D386FA1D9", "signature"],
  ["E: The repository 'MIRROR bookworm Release' is not signed.", "signature"],
  ["E: Unable to locate package nosuch", "package_missing"],
  ["E: unshare() failed: Operation not permitted", "namespace"],
  ["unshare: unshare failed: Operation not permitted", "namespace"],
  ["dpkg: error processing package x", "unknown"],
];

for (const [line, reason] of failures) {
  test(`failure: ${line}`, () => assert.equal(classifyBuildFailure(["Get:1 x", line]), reason));
}

test("a full disk is not reported as a failed build, and the error has the free space", () => {
  const error = buildFailureError("debian:12", ["E: No space left on device"], space);
  assert.equal(error.code, "DISK_FULL");
  assert.equal(error.details["free_bytes"], space.freeBytes);
  assert.equal(error.details["needed_bytes"], space.neededBytes);
  assert.equal(buildFailureError("debian:12", ["E: odd"], space).code, "ENVIRONMENT_BUILD_FAILED");
  assert.equal(buildFailureError("debian:12", ["E: unshare() failed: x"], space).code, "HOST_NOT_ABLE");
});

test("the lines of a failure contain no progress", () => {
  const lines = ["Get:1 x", "Unpacking y", "", "E: apt-get failed", "I: removing", "W: also this"];
  assert.deepEqual(meaningfulLines(lines), ["E: apt-get failed", "W: also this"]);
  assert.deepEqual(meaningfulLines(["Get:1 x", "something odd"]), ["something odd"]);
});

/** The output of apt before an installation, and of dpkg during it. */
const installed = (count: number) =>
  Array.from({ length: count }, (_, index) => [`Unpacking p${index} ...`, `Setting up p${index} ...`]).flat();
const stage = (count: number) => [
  `0 upgraded, ${count} newly installed, 0 to remove and 0 not upgraded.`,
  "Need to get 29.7 MB of archives.",
  ...Array.from({ length: count }, (_, index) => `Get:${index + 1} MIRROR p${index}`),
];

test("progress never falls and names every phase", () => {
  const seen: PullProgress[] = [];
  const read = bootstrapProgress((progress) => seen.push(progress));
  for (const line of [
    "I: running apt-get update...",
    "Get:1 MIRROR bookworm InRelease [151 kB]",
    "I: downloading packages with apt...",
    ...stage(69),
    "I: extracting archives...",
    "I: installing essential packages...",
    ...installed(69),
    "I: installing remaining packages inside the chroot...",
    ...stage(30),
    ...installed(30),
    "pyro-step: kernel",
    "I: cleaning package lists and apt cache...",
  ]) {
    read(line);
  }
  assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ["download", "install", "kernel"]);
  for (const [index, { fraction }] of seen.entries()) {
    assert(fraction >= (seen[index - 1]?.fraction ?? 0) && fraction < 0.9);
  }
  assert(seen.length < 200);
  assert((seen.at(-1)?.fraction ?? 0) >= 0.86);
});

const subordinate: [text: string, count: number][] = [
  ["", 0],
  ["ann:100000:65536\n", 65_536],
  ["1000:100000:65536\n", 65_536],
  ["bob:100000:65536\n", 0],
  ["ann:100000:10\nann:200000:70000\n", 70_000],
  ["ann:x:y\n", 0],
];

for (const [text, count] of subordinate) {
  test(`subordinate ids in ${JSON.stringify(text)}`, () =>
    assert.equal(countSubordinateIds(text, ["1000", "ann"]), count));
}

test("installed packages of a dpkg status file", () => {
  const status = [
    "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2\nDescription: x\n Version: no",
    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1",
    "Package: apt\nStatus: install ok installed\nVersion: 2.6.1",
  ].join("\n\n");
  assert.deepEqual(parsePackages(`${status}\n`), [
    { name: "apt", version: "2.6.1" },
    { name: "zlib1g", version: "1:1.2" },
  ]);
});

test("the distribution's own mirror is used unless one is given", () => {
  const recipe = catalog.find(({ name }) => name === "debian:13")!;
  const own = buildBootstrapCommand(recipe, "/root-dir", { mirrors: [], aptOptions: [] });
  assert.deepEqual(own.slice(-2), ["trixie", "/root-dir"]);
  assert.deepEqual(
    own.filter((argument) => argument.includes("://")),
    [],
  );
  const other = buildBootstrapCommand(recipe, "/root-dir", { mirrors: ["MIRROR"], aptOptions: ["Acquire::x 1"] });
  assert.deepEqual(other.slice(-3), ["trixie", "/root-dir", "MIRROR"]);
  assert(other.includes("--aptopt=Acquire::x 1"));
});

test("a build of root gets its own mount namespace, a build of an ordinary user does not", () => {
  assert(buildTracedCommand("/pid", ["mmdebstrap"], true).includes("unshare"));
  assert(!buildTracedCommand("/pid", ["mmdebstrap"], false).includes("unshare"));
});

test("a host without the tools: the error names the packages to install", async () => {
  await assert.rejects(
    assertAbleToBuild(async (program) => !["mmdebstrap", "mke2fs"].includes(program)),
    (error) => {
      assert(error instanceof PyroError && error.code === "HOST_NOT_ABLE");
      assert.deepEqual(error.details, { missing: ["mmdebstrap", "mke2fs"], packages: ["mmdebstrap", "e2fsprogs"] });
      assert.equal(error.hint, "apt-get install mmdebstrap e2fsprogs");
      return true;
    },
  );
});

mountingTest(import.meta.url, "a build without room is refused before any work", async (context) => {
  const mountPoint = await temporaryDirectory(context);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "pyro-test", mountPoint]);
  try {
    const options = {
      signal: unhurried(),
      onProgress: () => {},
      takeKernel: () => Promise.reject(new Error("no image")),
      registry: { blobs: new BlobCache(mountPoint), plainHttp: false, neededLayers: async () => new Set<string>() },
    };
    await assert.rejects(debianSource().build(catalog[0]!, mountPoint, options), { code: "DISK_FULL" });
    assert.deepEqual(await readdir(mountPoint), []);
  } finally {
    execFileSync("umount", [mountPoint]);
  }
});
