import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { isRoot, ownIdOf } from "../../src/host/platform.js";
import { endOf } from "../client/scratch.js";
import { buildAsNobody } from "../vm/as-nobody.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { refusals } from "./system-calls.js";

/** The bits of open flags that say whether a file was opened for reading or writing. */
const ACCESS_MODE = 3;
const PROGRAM = "dist/test/security/jail-process.js";
const checkout = fileURLToPath(new URL("../../../", import.meta.url));

/** The expected results of attacks for which it is not EPERM. */
const ANSWERS: Readonly<Record<string, string>> = {
  ...refusals,
  "a unix socket": "done",
  "start a thread": "done",
  threads: "limited",
  "read a file of the user's": "ENOENT",
  "read it through the VM's directory": "ENOENT",
  "list the home": "ENOENT",
  "read another VM's disk": "ENOENT",
  "read a snapshot": "ENOENT",
  "connect to the daemon": "ENOENT",
  "connect to an abstract socket": "ECONNREFUSED",
  "find a queue of messages": "ENOENT",
  "connect over IP": "EAFNOSUPPORT",
  "signal a process of the user's": "ESRCH",
  "signal every process": "ESRCH",
  "processes seen": "2",
  descriptors: "0 1 2 8 9",
  "write a file beyond its limit": "EFBIG",
  "map more memory than a VM needs": "ENOMEM",
  "share more memory than a VM needs": "ENOMEM",
  "share, through a device, more memory than a VM needs": "ENOMEM",
  "core dumps": "(0, 0)",
};
const ABSENT = /^(?:read|open) \/\S+$/;
const READ_ONLY = /^(?:write \/|create a|remove a|add a|open \S+ for everybody)/;

/** Whether an attack had the result that it must have. A file system that is read-only also refuses by its modes. */
function isRefused(name: string, result: string): boolean {
  const expected = ANSWERS[name];
  if (expected !== undefined) return result === expected;
  // EACCES for files in a directory that only root may enter.
  if (ABSENT.test(name)) return ["ENOENT", "EACCES"].includes(result);
  return READ_ONLY.test(name) ? ["EROFS", "EACCES"].includes(result) : result === "EPERM";
}

const users: readonly [string, boolean][] = [
  ["as the user of this test", false],
  // Root becomes nobody without a user namespace; an ordinary user has one.
  ...(isRoot() ? ([["as an ordinary user", true]] satisfies [string, boolean][]) : []),
];

for (const [title, asNobody] of users) {
  test(`a program in QEMU's place, ${title}: every way out of the jail is closed`, async (t) => {
    const place = mkdtempSync(join(tmpdir(), "pt-"));
    t.after(() => rmSync(place, { recursive: true }));
    chmodSync(place, 0o755);
    const inherited = openSync(join(place, "left-open"), "w");
    mkdirSync(join(place, "checkout"));
    const [program = "", ...words] = asNobody
      ? buildAsNobody(join(place, "checkout"), PROGRAM)
      : [process.execPath, join(checkout, PROGRAM)];
    // A descriptor that a shell has left open.
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe", inherited], cwd: "/" });
    closeSync(inherited);
    const { status, stdout, stderr } = await endOf(child);
    assert.equal(status, 0, stderr);
    const { limitsTmp, results } = JSON.parse(stdout) as { limitsTmp: boolean; results: Record<string, string> };
    const wrong = Object.entries({ ...results, "fill the memory with files": "EPERM" }).filter(
      ([name, result]) => !isRefused(name, result),
    );
    assert.deepEqual(Object.fromEntries(wrong), {});
    // An old bubblewrap cannot limit it.
    assert.equal(results["fill the memory with files"], limitsTmp ? "ENOSPC" : "done");
    assert.equal(Object.keys(results).length, 94);
  });
}

test("a VM gets no descriptor that the shell of the daemon's starter has left open", async () => {
  await using scratch = new VmScratch();
  const path = join(scratch.directory, "left-open");
  writeFileSync(path, "a secret of the user's");
  const file = openSync(path, "r");
  const words = [join(checkout, "bin/pyro"), "daemon", "start"];
  // A low number would be taken by a descriptor that QEMU gets.
  const stdio = ["ignore", "pipe", "pipe", ...Array<"ignore">(17).fill("ignore"), file] as const;
  const child = spawn(process.execPath, words, { env: { ...process.env, ...scratch.env }, stdio: [...stdio] });
  closeSync(file);
  const started = await endOf(child);
  assert.equal(started.status, 0, started.stderr);
  const { task_id } = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
  const descriptors = `/proc/${scratch.qemuOfVm(task_id.replace("task-", "vm-"))}/fd`;
  const open = readdirSync(descriptors).map((name) => readlinkSync(join(descriptors, name)));
  assert.ok(!open.includes(path), open.join());
  assert.deepEqual(
    open.filter((target) => target.includes("daemon.l")),
    [],
  );
});

test("QEMU of each VM: the jail's filter and its own, a limit on threads, and a user that no other VM has where pyro runs as root", async () => {
  await using scratch = new VmScratch();
  const create = async () => {
    const { task_id } = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
    return scratch.qemuOfVm(task_id.replace("task-", "vm-"));
  };
  const vms = [await create(), await create()];
  const numbersOf = (pid: number, file: string, name: string) =>
    new RegExp(`^${name}:?((?:\\s+\\d+)+)`, "m")
      .exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))![1]!
      .trim()
      .split(/\s+/)
      .map(Number);
  for (const pid of vms) {
    assert.deepEqual(numbersOf(pid, "status", "Seccomp"), [2]);
    assert.ok(numbersOf(pid, "status", "Seccomp_filters")[0]! >= 2);
    assert.deepEqual(numbersOf(pid, "limits", "Max processes"), [256, 256]);
  }
  const users = vms.map((pid) => new Set(numbersOf(pid, "status", "Uid")));
  assert.ok(users.every((user) => user.size === 1 && !user.has(0)));
  const isOwn = isRoot() && ownIdOf("vm") !== null;
  assert.equal(new Set(users.flatMap((user) => [...user])).size, isOwn ? 2 : 1);
});

test("QEMU of a task and of its fork writes to its own disk and mailbox alone: every other file is open and mapped for reading, or privately", async () => {
  await using scratch = new VmScratch();
  const { task_id } = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
  const { tasks } = await scratch.client.call("task.fork", { task_id });
  for (const id of [task_id, tasks[0]!.task_id]) {
    const proc = `/proc/${scratch.qemuOfVm(id.replace("task-", "vm-"))}`;
    const isWritten = (fd: string) => {
      const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(join(proc, "fdinfo", fd), "utf8"))![1]!;
      return (Number.parseInt(flags, 8) & ACCESS_MODE) !== constants.O_RDONLY;
    };
    const files = readdirSync(join(proc, "fd"))
      .map((fd) => ({ path: readlinkSync(join(proc, "fd", fd)), fd }))
      .filter(({ path }) => path.startsWith("/") && !path.startsWith("/dev/"));
    assert.ok(files.some(({ path }) => path === "/pyro/template/ram"));
    const written = files.filter(({ fd }) => isWritten(fd)).map(({ path }) => path);
    assert.deepEqual(written.toSorted(), ["/pyro/vm/mailbox", "/pyro/vm/scratch"]);
    const mapped = readFileSync(join(proc, "maps"), "utf8");
    assert.match(mapped, id === task_id ? / rw-p .* \/pyro\/template\/ram$/m : / rw-p .*\/pages(?: \(deleted\))?$/m);
    assert.doesNotMatch(mapped, /^\S+ .w.s /m);
  }
});
