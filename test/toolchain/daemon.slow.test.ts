import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Scratch, until } from "../client/scratch.js";
import { Mirror } from "./mirror.js";

function scratchOf(mirror: Mirror, env: NodeJS.ProcessEnv = {}): Scratch {
  return new Scratch({ PYRO_DEBIAN_MIRROR: mirror.source().lines.join("\n"), PYRO_ACCEL: "tcg", ...env });
}

async function answer(scratch: Scratch, ...words: string[]): Promise<Record<string, any>> {
  const { status, stdout, stderr } = await scratch.pyro([...words, "--json"]);
  assert.equal(status, 0, stdout + stderr);
  return JSON.parse(stdout) as Record<string, any>;
}

test("pyro toolchain: installs, is used by the running daemon, and is removed again", async () => {
  await using mirror = await Mirror.open("10.0.0");
  await using scratch = scratchOf(mirror);
  const before = await answer(scratch, "toolchain", "status");
  assert.equal(before["installed"], null);
  const installed = await answer(scratch, "toolchain", "install");
  assert.deepEqual(
    [installed["changed"], installed["qemu_source"], installed["qemu_version"]],
    [true, "private", "10.0.0 (test)"],
  );
  assert.equal((await answer(scratch, "toolchain", "status"))["installed"].suite, "trixie");
  assert.equal((await answer(scratch, "doctor"))["runtime"].qemu_source, "private");
  assert.deepEqual((await answer(scratch, "toolchain", "remove"))["removed"], [installed["installed"].id]);
  assert.deepEqual(await answer(scratch, "toolchain", "status"), before);
  assert.match((await scratch.pyro(["toolchain", "remove"])).stdout, /No private toolchain/);
});

test("a mirror of other releases: INVALID_ARGUMENT names the release that is needed", async () => {
  await using scratch = new Scratch({ PYRO_DEBIAN_MIRROR: "deb http://127.0.0.1:9 potato main" });
  const { status, stdout } = await scratch.pyro(["toolchain", "install", "--json"]);
  assert.equal(status, 2);
  assert.equal(JSON.parse(stdout).error.code, "INVALID_ARGUMENT");
  assert.match(JSON.parse(stdout).error.message, /trixie/);
});

test("a daemon killed while it downloads: the next one ends apt, sweeps, and has the old toolchain", async () => {
  await using mirror = await Mirror.open("10.0.0");
  await using scratch = scratchOf(mirror);
  const { installed } = await answer(scratch, "toolchain", "install");
  mirror.publish("10.0.1");
  let isAsked = false;
  mirror.fault = (path) => (isAsked ||= path.endsWith(".deb"));
  const install = scratch.start(["toolchain", "install"]);
  const ended = new Promise((resolve) => install.once("close", resolve));
  await until("the download hangs", () => isAsked);
  process.kill((await answer(scratch, "daemon", "status"))["pid"], "SIGKILL");
  await ended;
  const status = await answer(scratch, "toolchain", "status");
  assert.equal(status["installed"].id, installed.id);
  assert.deepEqual(readdirSync(join(scratch.home, "toolchain")).toSorted(), [installed.id, "current"].toSorted());
});

test("PYRO_TOOLCHAIN names a directory without a toolchain: doctor reports the directory", async () => {
  await using scratch = new Scratch({ PYRO_TOOLCHAIN: "/nonexistent" });
  const { status, stdout } = await scratch.pyro(["doctor"]);
  assert.equal(status, 1);
  assert.match(stdout, /PYRO_TOOLCHAIN names \/nonexistent/);
});
