import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import { Toolchains } from "../../src/toolchain/toolchains.js";
import { ScratchDirectory } from "../archive/trees.js";
import { mountingTest } from "../client/mounting-test.js";
import { isPackage, Mirror, mirrorFaults } from "./mirror.js";

const follower = () => ({ signal: new AbortController().signal, onProgress: () => {} });

/** A home without a toolchain, and the mirror to fetch one from. */
async function openHome(version?: string) {
  const scratch = new ScratchDirectory();
  const mirror = await Mirror.open(version);
  const toolchains = await Toolchains.open(scratch.path, undefined);
  const directory = toolchains.directory;
  return {
    ...{ scratch, mirror, toolchains, directory },
    /** The entries beside the link. */
    names: () => readdirSync(directory).filter((name) => name !== "current"),
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

test("an installation: unpacks the packages and makes them current; a second one changes nothing", async () => {
  await using home = await openHome("10.0.0");
  const { mirror, toolchains } = home;
  const phases: string[] = [];
  const onProgress = ({ phase }: { phase: string }) => void phases.push(phase);
  const first = await toolchains.install({ ...follower(), onProgress }, mirror.source());
  assert.equal(first.changed, true);
  assert.deepEqual([...new Set(phases)], ["lists", "download", "unpack", "ready"]);
  const { id, path, qemuVersion, manifest } = first.toolchain;
  assert.equal(qemuVersion, "10.0.0 (test)");
  assert.equal(readlinkSync(join(home.directory, "current")), id);
  assert.equal((await toolchains.inUse())?.id, id);
  assert.equal(manifest.packages.length, 8);
  assert.ok(existsSync(join(path, "usr/share/bubblewrap")));
  assert.ok(!existsSync(join(path, "usr/share/doc/left-out")));
  assert.equal(lstatSync(join(path, "usr/bin/qemu-system-x86_64")).mode & 0o7777, 0o755);

  const second = await toolchains.install(follower(), mirror.source());
  assert.deepEqual([second.changed, second.toolchain.id], [false, id]);
  assert.deepEqual(home.names(), [id]);
});

test("a newer QEMU is used from then on, and the old toolchain is removed when no program runs from it", async () => {
  await using home = await openHome("10.0.0");
  const { mirror, toolchains } = home;
  const { toolchain: old } = await toolchains.install(follower(), mirror.source());
  const runsFromIt = spawn("tail", ["-f", join(old.path, "toolchain.json")], { stdio: "ignore" });
  mirror.publish("10.0.1");
  const { toolchain } = await toolchains.install(follower(), mirror.source());
  assert.equal((await toolchains.inUse())?.qemuVersion, "10.0.1 (test)");
  assert.deepEqual(await toolchains.sweep(false), { removed: [], inUse: [old.id], freedBytes: 0 });

  runsFromIt.kill();
  await new Promise((resolve) => runsFromIt.once("close", resolve));
  assert.deepEqual((await toolchains.sweep(true)).removed, [old.id]);
  assert.deepEqual(home.names().toSorted(), [old.id, toolchain.id].toSorted());
  assert.deepEqual((await toolchains.sweep(false)).removed, [old.id]);
  assert.deepEqual(home.names(), [toolchain.id]);
});

test("installations at the same time: fetch once", async () => {
  await using home = await openHome();
  const { mirror, toolchains } = home;
  const outcomes = await Promise.all([1, 2, 3].map(() => toolchains.install(follower(), mirror.source())));
  assert.equal(new Set(outcomes.map(({ toolchain }) => toolchain.id)).size, 1);
  assert.equal(mirror.requests.filter((path) => path.includes("qemu-system-x86_")).length, 1);
});

for (const [name, fault, reason] of mirrorFaults((path) => path.includes("qemu-system-x86_"))) {
  test(`${name}: TOOLCHAIN_INSTALL_FAILED, nothing is left, and the old toolchain stays`, async () => {
    await using home = await openHome("10.0.0");
    const { mirror, toolchains } = home;
    const { toolchain: old } = await toolchains.install(follower(), mirror.source());
    mirror.publish("10.0.1");
    mirror.fault = fault;
    await assert.rejects(toolchains.install(follower(), mirror.source()), (error: PyroError) => {
      assert.deepEqual([error.code, error.details["reason"]], ["TOOLCHAIN_INSTALL_FAILED", reason], error.message);
      return true;
    });
    assert.equal((await toolchains.inUse())?.id, old.id);
    assert.deepEqual(home.names(), [old.id]);
  });
}

test("an archive signed with a foreign key: is refused, and nothing of it is fetched", async () => {
  await using home = await openHome();
  await using foreign = await Mirror.open("11.0.0");
  const source = foreign.source(home.mirror.keyring);
  await assert.rejects(home.toolchains.install(follower(), source), {
    code: "TOOLCHAIN_INSTALL_FAILED",
    message: /signature/,
  });
  assert.deepEqual(foreign.requests.filter(isPackage), []);
  assert.deepEqual(home.names(), []);
});

test("no network: TOOLCHAIN_INSTALL_FAILED with the variable to look at", async () => {
  await using home = await openHome();
  const lines = ["deb http://127.0.0.1:9 trixie main"];
  await assert.rejects(home.toolchains.install(follower(), { ...home.mirror.source(), lines }), {
    code: "TOOLCHAIN_INSTALL_FAILED",
    hint: /PYRO_DEBIAN_MIRROR/,
  });
  assert.deepEqual(home.names(), []);
});

test("a new QEMU that does not run on this host: the toolchain in use stays", async () => {
  await using home = await openHome("10.0.0");
  const { toolchain: old } = await home.toolchains.install(follower(), home.mirror.source());
  home.mirror.publish("10.0.1", "#!/bin/sh\necho broken >&2\nexit 1\n");
  await assert.rejects(home.toolchains.install(follower(), home.mirror.source()), {
    code: "TOOLCHAIN_INSTALL_FAILED",
    message: /does not run/,
  });
  assert.equal((await home.toolchains.inUse())?.id, old.id);
  assert.deepEqual(home.names(), [old.id]);
});

test("a host without the keys of Debian: HOST_NOT_ABLE with the package to install", async () => {
  await using home = await openHome();
  await assert.rejects(home.toolchains.install(follower(), home.mirror.source("/nonexistent.gpg")), {
    code: "HOST_NOT_ABLE",
    hint: "sudo apt-get install debian-archive-keyring",
  });
});

test("a cancelled installation: leaves nothing", async () => {
  await using home = await openHome();
  const controller = new AbortController();
  home.mirror.fault = (path) => {
    if (!isPackage(path)) return false;
    controller.abort();
    return true;
  };
  await assert.rejects(
    home.toolchains.install({ signal: controller.signal, onProgress: () => {} }, home.mirror.source()),
    { code: "ABORTED" },
  );
  assert.deepEqual(home.names(), []);
});

mountingTest(
  import.meta.url,
  "a small disk: DISK_FULL with the room there is, before anything is fetched",
  async () => {
    await using home = await openHome();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "pyro-test", home.directory]);
    try {
      await assert.rejects(home.toolchains.install(follower(), home.mirror.source()), (error: PyroError) => {
        assert.equal(error.code, "DISK_FULL");
        assert.ok(Number(error.details["free_mib"]) <= 16);
        return true;
      });
      assert.deepEqual(home.mirror.requests, []);
      assert.deepEqual(home.names(), []);
    } finally {
      execFileSync("umount", [home.directory]);
    }
  },
);

test("PYRO_TOOLCHAIN: names the host's QEMU or a directory, and anything else is an error", async () => {
  await using home = await openHome("10.0.0");
  const { toolchain } = await home.toolchains.install(follower(), home.mirror.source());
  const withChoice = (choice: string) => Toolchains.open(home.scratch.path, choice);
  assert.equal(await (await withChoice("host")).inUse(), null);
  assert.equal((await (await withChoice(toolchain.path)).inUse())?.id, toolchain.id);
  mkdirSync(join(home.scratch.path, "empty"));
  for (const choice of [join(home.scratch.path, "empty"), "/nonexistent", "absurd"]) {
    await assert.rejects((await withChoice(choice)).inUse(), { code: "INVALID_ARGUMENT" }, choice);
  }
});

test("a removed toolchain: the host's QEMU is used again", async () => {
  await using home = await openHome();
  const { toolchain } = await home.toolchains.install(follower(), home.mirror.source());
  assert.deepEqual((await home.toolchains.remove()).removed, [toolchain.id]);
  assert.equal(await home.toolchains.inUse(), null);
  assert.deepEqual(readdirSync(home.directory), []);
});
