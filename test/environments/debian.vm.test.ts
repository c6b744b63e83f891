import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { tar } from "../archive/raw-tar.js";
import { file } from "../archive/specimen.js";
import { readCpio } from "./cpio.js";

/** Real builds: they need the package mirror and, except for a kernel alone, mmdebstrap; for the ordinary user also uidmap. */

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user who runs the tests; if that is root, also an ordinary user with subordinate ids, if the host has one. */
function buildUsers(): User[] {
  const uid = process.geteuid?.() ?? -1;
  const self = { name: uid === 0 ? "root" : "this user", uid, gid: process.getegid?.() ?? -1 };
  if (uid !== 0) return [self];
  const granted = readFileSync("/etc/subuid", "utf8")
    .split("\n")
    .map((line) => line.split(":")[0]);
  const lines = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const ordinary = lines.find(([name, , id]) => Number(id) >= 1000 && granted.includes(name));
  if (!ordinary) return [self];
  return [self, { name: ordinary[0] ?? "", uid: Number(ordinary[2]), gid: Number(ordinary[3]) }];
}

const users = buildUsers();
/** The least privileged user, whose files are the hardest to remove. */
const weakest = users.at(-1) as User;

function makeHome(context: TestContext, user: User): string {
  const home = mkdtempSync("/var/tmp/pyro-vm-test-");
  if (process.geteuid?.() === 0) chownSync(home, user.uid, user.gid);
  context.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function startPull(user: User, home: string, name?: string, path = process.env["PATH"]) {
  const script = join(dirname(fileURLToPath(import.meta.url)), "pull-process.js");
  const child = spawn(process.execPath, [script, home, ...(name === undefined ? [] : [name])], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: path, HOME: home },
    ...(process.geteuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
  });
  const events: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as Record<string, unknown>);
    for (const check of waiting) check();
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  /** Resolves when the pull has reached that point; rejects when it ended before. */
  const reach = (phase: string) =>
    new Promise<void>((resolve, reject) => {
      waiting.add(() => events.some((event) => event["phase"] === phase) && resolve());
      void closed.then(() => reject(new Error(`ended before ${phase}: ${JSON.stringify(events.at(-1))}`)));
    });
  return { child, events, closed, reach };
}

function debugfs(image: string, request: string): string {
  const path = [process.env["PATH"], "/usr/sbin", "/sbin"].join(":");
  return execFileSync("debugfs", ["-R", request, image], { encoding: "utf8", env: { PATH: path }, stdio: "pipe" });
}

/** Mode, owner and group of everything in one directory of the image. */
function listImage(image: string, path: string) {
  return debugfs(image, `ls -p ${path}`)
    .split("\n")
    .map((line) => line.split("/"))
    .filter((fields) => fields.length > 5)
    .map(([, , mode, uid, gid, name]) => ({ name, mode: parseInt(mode ?? "", 8), uid, gid }));
}

function scratchOf(home: string): string {
  const [pointer] = globScratch(home);
  assert(pointer !== undefined, "the build has noted no scratch directory");
  return readFileSync(pointer, "utf8");
}

function globScratch(home: string): string[] {
  const temporary = join(home, "tmp");
  return readdirSync(temporary)
    .map((name) => join(temporary, name, "scratch.path"))
    .filter(existsSync);
}

function assertNothingLeft(home: string, scratch: string) {
  assert.equal(existsSync(scratch), false, `${scratch} is still there`);
  assert.deepEqual(readdirSync(join(home, "tmp")), []);
  assert.deepEqual(readdirSync(join(home, "content")), []);
  assert.deepEqual(readdirSync(join(home, "names")), []);
  assert(!readFileSync("/proc/self/mountinfo", "utf8").includes(scratch), "something is still mounted");
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const commands = processes.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  });
  assert(!commands.some((command) => command.includes(scratch)), "something still runs");
}

for (const user of users) {
  test(`debian:12-base, built by ${user.name}`, { timeout: 600_000 }, async (context) => {
    const home = makeHome(context, user);
    const pull = startPull(user, home, "debian:12-base");
    await pull.closed;
    const result = pull.events.at(-1) as { rootPath: string; initramfsPath: string; packages: { name: string }[] };
    assert(result.rootPath, JSON.stringify(result));
    const phases = [...new Set(pull.events.map((event) => event["phase"]))].filter((phase) => phase !== undefined);
    assert.deepEqual(phases, ["check", "download", "install", "kernel", "image", "digest", "ready"]);
    assert(result.packages.some(({ name }) => name === "ca-certificates"));
    assert(!result.packages.some(({ name }) => name === "systemd"));
    assert.deepEqual(readdirSync(join(home, "tmp")), []);
    assertImage(result.rootPath);
    assertInitramfs(result.initramfsPath);
  });
}

function assertImage(image: string) {
  const top = new Map(listImage(image, "/").map((entry) => [entry.name, entry]));
  for (const entry of top.values()) assert.deepEqual([entry.uid, entry.gid], ["0", "0"], entry.name);
  assert.equal(top.get("workspace")?.mode, 0o040755);
  assert.equal(top.get("tmp")?.mode, 0o041777);
  assert.equal(top.get("root")?.mode, 0o040700);
  for (const path of ["/dev", "/proc", "/sys", "/run", "/tmp", "/mnt", "/media", "/var/lib/apt/lists", "/workspace"]) {
    const names = listImage(image, path).map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => name !== "." && name !== ".."),
      [],
      path,
    );
  }
  const etc = new Map(listImage(image, "/etc").map((entry) => [entry.name, entry]));
  for (const name of ["resolv.conf", "machine-id", "fstab"]) {
    assert.equal(etc.get(name)?.mode, 0o100644);
    assert.equal(debugfs(image, `cat /etc/${name}`), "");
  }
  assert.equal(debugfs(image, "cat /etc/hostname"), "pyro\n");
  assert.match(debugfs(image, "cat /etc/apt/sources.list"), /^deb /m);
  assert.match(debugfs(image, "cat /etc/shadow"), /^root:[*!]/m);
  const programs = new Map(listImage(image, "/usr/bin").map((entry) => [entry.name, entry]));
  assert.equal(programs.get("su")?.mode, 0o104755);
  assert.deepEqual([programs.get("chage")?.uid, programs.get("chage")?.gid], ["0", "42"]);
  assert.match(debugfs(image, "stats -h"), /Free blocks: +\d+/);
}

function assertInitramfs(path: string) {
  const members = new Map(readCpio(readFileSync(path)).map((member) => [member.name, member.data]));
  const order = members.get("modules/order")?.toString().trim().split("\n") ?? [];
  assert(order.includes("virtio_blk.ko") && order.includes("overlay.ko"));
  for (const name of order) assert.equal(members.get(`modules/${name}`)?.toString("latin1", 1, 4), "ELF", name);
  assert.equal(members.size, order.length + 2);
}

test(`an image in an empty home of ${weakest.name}, on a host without newuidmap and mmdebstrap: its kernel is fetched alone`, async (context) => {
  const home = makeHome(context, weakest);
  const programs = join(home, "programs");
  mkdirSync(programs);
  const absent = ["newuidmap", "newgidmap", "mmdebstrap", "unshare"];
  for (const name of readdirSync("/usr/bin").filter((one) => !absent.includes(one)))
    symlinkSync(`/usr/bin/${name}`, join(programs, name));
  writeFileSync(join(home, "root.tar"), tar(file("hello", "hello")));
  const pull = startPull(weakest, join(home, "environments"), `rootfs:${join(home, "root.tar")}`, programs);
  await pull.closed;
  const result = pull.events.at(-1) as { initramfsPath: string; packages: { name: string }[]; kernelPath: string };
  assert(result.kernelPath, JSON.stringify(result));
  assert.deepEqual(
    result.packages.map(({ name }) => /^linux-image-.*-cloud-amd64$/.test(name)),
    [true],
  );
  // The mark of a kernel for x86.
  assert.equal(readFileSync(result.kernelPath).toString("latin1", 0x202, 0x206), "HdrS");
  assertInitramfs(result.initramfsPath);
  assert.deepEqual(readdirSync(join(home, "environments", "tmp")), []);
  assert.deepEqual(readdirSync(join(home, "environments", "names")).length, 1);
});

test("a cancelled build leaves nothing", { timeout: 300_000 }, async (context) => {
  const home = makeHome(context, weakest);
  const pull = startPull(weakest, home, "debian:12-base");
  await pull.reach("install");
  const scratch = scratchOf(home);
  pull.child.kill("SIGTERM");
  await pull.closed;
  const { error } = pull.events.at(-1) as { error?: { code: string } };
  assert.equal(error?.code, "ABORTED");
  assertNothingLeft(home, scratch);
});

for (const user of users) {
  test(`kill -9 leaves nothing after the next start, for ${user.name}`, { timeout: 300_000 }, async (context) => {
    const home = makeHome(context, user);
    const pull = startPull(user, home, "debian:12-base");
    await pull.reach("install");
    const scratch = scratchOf(home);
    pull.child.kill("SIGKILL");
    await pull.closed;
    await startPull(user, home).closed;
    assertNothingLeft(home, scratch);
  });
}
