import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { tar } from "../archive/raw-tar.js";
import { file, hardlink } from "../archive/specimen.js";
import { endOf, pyroPath } from "../client/scratch.js";
import { makeImage, type MadeImage } from "../environments/image/saved.js";
import { noise } from "../environments/registry/double.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { pushImage } from "./push.js";
import { startRegistry } from "./registry.js";

/** `make test-images`: pulls on a disk without room, without a network, and of hostile images. */
const MIB = 1_048_576;

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function errorIn(stdout: string): Failure {
  return (JSON.parse(stdout) as { error: Failure }).error;
}

/** Pushes an image and pulls it. Returns the error of the pull; afterwards nothing of it is left. */
async function failingPull(context: TestContext, scratch: VmScratch, image: MadeImage): Promise<Failure> {
  const registry = await startRegistry(join(scratch.directory, "registry"), {});
  context.after(registry.end);
  const name = pushImage(scratch.directory, image, `${registry.host}/tool`);
  const environments = join(scratch.home, "environments");
  const contents = readdirSync(join(environments, "content"));
  const error = errorIn((await scratch.pyro(["env", "pull", name, "--json"])).stdout);
  assert.deepEqual(readdirSync(join(environments, "tmp")), []);
  assert.deepEqual(readdirSync(join(environments, "content")), contents);
  const { stdout } = await scratch.pyro(["env", "list"]);
  assert.ok(!stdout.includes(name), stdout);
  return error;
}

test("a disk of 64 MiB: DISK_FULL with both figures before a layer is fetched", async (context) => {
  await using scratch = new VmScratch({ smallDisk: { directory: "environments", size: "64m" } });
  const image = makeImage([tar({ ...file("a"), content: noise(20 * MIB, "room") })]);
  const { code, message, hint, details } = await failingPull(context, scratch, image);
  assert.equal(code, "DISK_FULL");
  assert.match(message, /needs \d+ MiB of disk, and \d+ MiB are free/);
  assert.ok(Number(details["needed_mib"]) > Number(details["free_mib"]));
  assert.match(hint, /pyro env prune/);
  const blobs = join(scratch.home, "environments", "blobs");
  assert.deepEqual(readdirSync(join(scratch.home, "environments")).includes("blobs") ? readdirSync(blobs) : [], []);
});

test("a disk that an unpacked layer fills: DISK_FULL, and the root image is removed", async (context) => {
  await using scratch = new VmScratch({ smallDisk: { directory: "environments", size: "128m" } });
  const image = makeImage([tar({ ...file("a"), content: Buffer.alloc(300 * MIB, 1) })]);
  const { code, hint, details } = await failingPull(context, scratch, image);
  assert.equal(code, "DISK_FULL");
  assert.match(String(details["path"]), /environments/);
  assert.match(hint, /pyro env prune/);
});

test("a host without a network: REGISTRY_UNREACHABLE with the registry's name and the next step", async () => {
  await using scratch = new VmScratch();
  const words = ["--net", process.execPath, pyroPath, "env", "pull", "registry.example/tool", "--json"];
  const { stdout } = await endOf(spawn("unshare", words, { env: scratch.env, cwd: scratch.directory }));
  const { code, message, hint, details } = errorIn(stdout);
  assert.deepEqual([code, details["reason"]], ["REGISTRY_UNREACHABLE", "network"]);
  assert.match(message, /Cannot reach the registry registry\.example: /);
  assert.match(hint, /network/);
});

const hostile: readonly (readonly [what: string, code: string, layers: readonly Buffer[]])[] = [
  ["a file above the root", "ARCHIVE_PATH_ESCAPES", [tar(file("../../escaped"))]],
  ["a hard link to a file of the host", "ARCHIVE_PATH_ESCAPES", [tar(hardlink("x", "../../../etc/passwd"))]],
  ["a whiteout above the root", "ARCHIVE_PATH_ESCAPES", [tar(file("a")), tar(file("../.wh.home", ""))]],
  ["bytes that are not an archive", "ARCHIVE_CORRUPT", [Buffer.alloc(2048, "x")]],
];

test("hostile images: refused by code, and nothing is left in the home or beside it", async (context) => {
  await using scratch = new VmScratch();
  const registry = await startRegistry(join(scratch.directory, "registry"), {});
  context.after(registry.end);
  const names = hostile.map(([, , layers], index) =>
    pushImage(scratch.directory, makeImage(layers), `${registry.host}/hostile-${index}`),
  );
  await scratch.pyro(["daemon", "status"]);
  const listing = () =>
    readdirSync(scratch.directory, { recursive: true, encoding: "utf8" }).filter(
      (name) => !/^(registry|pyro)\//.test(name),
    );
  const pull = async (name: string) => errorIn((await scratch.pyro(["env", "pull", name, "--json"])).stdout).code;
  const first = await pull(names[0] ?? "");
  const before = listing().toSorted();
  assert.ok(!before.some((name) => /escaped/.test(name)));
  const codes = [first];
  for (const name of names.slice(1)) codes.push(await pull(name));
  assert.deepEqual(
    codes,
    hostile.map(([, code]) => code),
  );
  assert.deepEqual(listing().toSorted(), before);
});

test("an image whose configuration controls a terminal: text and JSON show it escaped", async (context) => {
  await using scratch = new VmScratch();
  const registry = await startRegistry(join(scratch.directory, "registry"), {});
  context.after(registry.end);
  const controls = "\u009b2J\u001b[2J\u007f";
  const release = file("etc/os-release", `ID="${controls}"\n`);
  const image = makeImage([tar(release)], { Env: [`A=${controls}`], Cmd: [controls], Entrypoint: [controls] });
  const name = pushImage(scratch.directory, image, `${registry.host}/tool`);
  assert.equal((await scratch.pyro(["env", "pull", name])).status, 0);
  for (const words of [["inspect", name], ["list"]]) {
    for (const flags of [[], ["--json"]]) {
      const { status, stdout } = await scratch.pyro(["env", ...words, ...flags]);
      assert.equal(status, 0);
      assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u);
      if (words[0] === "inspect") assert.ok(stdout.includes("\\u009b2J"), stdout);
    }
  }
});
