import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { buildJail } from "../../src/backend/qemu/jail.js";
import { isAlive, readProcessIdentity } from "../../src/host/process.js";
import { until } from "../client/scratch.js";
import { temporaryDirectory } from "../store/scratch.js";

const path = fileURLToPath(new URL("../../../keeper/build/pyro-enclose", import.meta.url));
const [STATUS_FD, FILTER_FD] = [4, 5];
/** One instruction: every call is allowed. */
const ALLOW_ALL = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);

type Mounts = readonly (readonly [string, string, boolean])[];

function buildCommand(
  t: TestContext,
  mounts: Mounts,
  preload: string | null = null,
): { words: string[]; directory: string } {
  const directory = join(temporaryDirectory(t), "jail");
  const fixed = {
    system: [],
    dropTo: null,
    devices: [],
    diesWithParent: true,
    filterFd: FILTER_FD,
    statusFd: STATUS_FD,
  };
  return { directory, words: buildJail({ jailer: { kind: "container", path }, directory, mounts, preload, ...fixed }) };
}

function start(words: readonly string[], filter: Uint8Array = ALLOW_ALL) {
  const child = spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "pipe", "ignore", "pipe", "pipe"] });
  (child.stdio[FILTER_FD] as NodeJS.WritableStream).on("error", () => {}).end(filter);
  return child;
}

async function run(words: readonly string[], filter?: Uint8Array) {
  const child = start(words, filter);
  let [stdout, stderr, report] = ["", "", ""];
  child.stdout!.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr!.on("data", (text: Buffer) => (stderr += text.toString()));
  (child.stdio[STATUS_FD] as NodeJS.ReadableStream).on("data", (text: Buffer) => (report += text.toString()));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, stdout, stderr, report, pid: child.pid };
}

/** A directory with files whose content is their name. */
function makeFiles(t: TestContext, ...names: string[]): string {
  const directory = temporaryDirectory(t);
  for (const name of names) writeFileSync(join(directory, name), name);
  return directory;
}

test("shows files below its working directory, one of a shown directory replaced by another", async (t) => {
  const template = makeFiles(t, "ram", "state");
  const other = makeFiles(t, "scratch");
  const mounts: Mounts = [
    [template, "/pyro/template", false],
    [join(other, "scratch"), "/pyro/template/ram", true],
    [join(other, "scratch"), "/pyro/vm/scratch", true],
  ];
  const { words, directory } = buildCommand(t, mounts);
  const { status, stdout, stderr, report, pid } = await run([
    ...words,
    "/bin/cat",
    "template/ram",
    "template/state",
    "vm/scratch",
  ]);
  assert.deepEqual([status, stdout], [0, "scratchstatescratch"], stderr);
  assert.deepEqual(JSON.parse(report), { "child-pid": pid });
  assert.deepEqual(readdirSync(template).sort(), ["ram", "state"]);
  assert.equal(readlinkSync(join(directory, "template/state")), join(template, "state"));
});

test("its environment is a PATH and the library to load; its status is the program's", async (t) => {
  const { words } = buildCommand(t, [], "/absent.so");
  const { status, stdout } = await run([...words, "/bin/sh", "-c", "env | sort; exit 7"]);
  assert.equal(status, 7);
  assert.match(stdout, /^LD_PRELOAD=\/absent\.so\nPATH=\/usr\/bin:\/bin\n/);
  assert.equal((await run([...words, "/bin/sh", "-c", "kill -9 $$"])).status, 137);
  assert.equal((await run([...words, "/absent"])).status, 126);
});

test("other files cannot be read, and those to read cannot be written: that needs Landlock, Linux 5.13 or later", async (t) => {
  const base = makeFiles(t, "linked");
  const shown = makeFiles(t, "ram");
  symlinkSync(join(base, "linked"), join(shown, "link"));
  const hidden = join(makeFiles(t, "secret"), "secret");
  const { words } = buildCommand(t, [
    [shown, "/pyro/template", false],
    [join(makeFiles(t, "scratch"), "scratch"), "/pyro/scratch", true],
  ]);
  const script = `cat template/link scratch; echo more >scratch && cat scratch
    cat ${hidden} ; cat /etc/passwd ; echo no >template/ram ; echo no >template/new; ls ${join(hidden, "..")}`;
  const { stdout, stderr } = await run([...words, "/bin/sh", "-c", script]);
  assert.equal(stdout, "linkedscratchmore\n");
  assert.equal(stderr.match(/Permission denied/g)?.length, 5, stderr);
  assert.equal(readFileSync(join(shown, "ram"), "utf8"), "ram");
});

test("the filter refuses what it refuses, and a broken filter starts nothing", async (t) => {
  const { words } = buildCommand(t, []);
  // Load the number of the call; uname (63) is refused with EPERM.
  const refusing = Buffer.from("2000000000000000150000013f0000000600000001000500060000000000ff7f", "hex");
  const { status, stderr } = await run([...words, "/bin/uname"], refusing);
  assert.notEqual(status, 0, stderr);
  for (const broken of [Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(40_000)]) {
    const ended = await run([...words, "/bin/echo", "started"], broken);
    assert.deepEqual([ended.status, ended.stdout], [125, ""]);
  }
});

test("the program ends when its parent is killed", async (t) => {
  const { words } = buildCommand(t, []);
  const child = start([...words, "/bin/sh", "-c", "echo $$; exec sleep 1000"]);
  const pid = await new Promise<number>((resolve) =>
    child.stdout!.once("data", (text: Buffer) => resolve(Number(text))),
  );
  const identity = readProcessIdentity(pid);
  assert.ok(identity);
  t.after(() => spawnSync("kill", ["-9", String(pid)]));
  child.kill("SIGKILL");
  await until("the program has ended", () => !isAlive(identity));
});

test("words that it does not know start nothing", async (t) => {
  const { words } = buildCommand(t, []);
  mkdirSync(words[1]!);
  for (const wrong of [[...words.slice(0, 4), "--unknown", "--", "/bin/echo"], words, words.slice(0, 2)]) {
    assert.deepEqual([(await run(wrong)).status], [125]);
  }
});
