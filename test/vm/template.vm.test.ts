import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { processesOf, until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

const templatesOf = (scratch: VmScratch) => {
  const directory = join(scratch.home, "templates");
  return existsSync(directory) ? readdirSync(directory) : [];
};
const isUnfinished = (name: string) => name.startsWith("tmp-");
/** Prints facts that each clone must have of its own. */
const QUESTION =
  "cat /proc/sys/kernel/random/uuid; head -c 16 /dev/urandom | od -An -tx1; hostname; cat /etc/machine-id; date +%s; cat /etc/hostname; sed -n 2p /etc/hosts";
/** The bits of open flags that say whether a file was opened for reading or writing. */
const ACCESS_MODE = 3;
const builtTimes = (scratch: VmScratch) =>
  readFileSync(join(scratch.home, "daemon.log"), "utf8").split("template frozen").length - 1;

test("a builder that is killed leaves no half template, and no QEMU", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  const run = (memMib: number, ...command: string[]) =>
    scratch.pyro(["run", "debian:12", "--mem-mib", String(memMib), "--", ...command]);
  // A template that was complete before the kill is not built again; the next size is.
  let memMib = 256;
  for (; ; memMib += 64) {
    let isOver = false;
    const ended = run(memMib, "true").finally(() => (isOver = true));
    await until("a template is being built", () => isOver || templatesOf(scratch).some(isUnfinished));
    await scratch.killDaemon();
    const { status, stderr } = await ended;
    if (status !== 0) {
      assert.equal(status, 125, stderr);
      break;
    }
    assert.ok(memMib < 512, "no kill came in time");
  }
  await until("its QEMU is gone too", () => processesOf(scratch.home).length === 0);

  const { status, stdout } = await run(memMib, "echo", "again");
  assert.deepEqual([status, stdout], [0, "again\n"]);
  assert.equal(templatesOf(scratch).filter(isUnfinished).length, 0);
});

describe("templates of one home", () => {
  let scratch: VmScratch;
  before(() => (scratch = new VmScratch({ ownTemplates: true })));
  after(() => scratch[Symbol.asyncDispose]());

  const run = (...command: string[]) => scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", ...command]);
  const fileOf = (name: string) => join(scratch.home, "templates", templatesOf(scratch)[0]!, name);
  /** Stops the daemon, and so the spares that were made from the old template. */
  const stopDaemon = () => scratch.pyro(["daemon", "stop"]);

  test("ten runs at once build one template", async () => {
    const ended = await Promise.all(Array.from({ length: 10 }, (_, index) => run("echo", String(index))));
    assert.deepEqual(
      ended.map(({ status, stdout }) => [status, stdout]),
      ended.map((_, index) => [0, `${index}\n`]),
    );
    assert.equal(builtTimes(scratch), 1);
    assert.equal(templatesOf(scratch).length, 1);
  });

  test("a VM can neither write its template's memory nor open it for writing", async () => {
    const task = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
    const { mode, uid } = statSync(fileOf("ram"));
    assert.deepEqual([mode & 0o777, uid], [0o444, process.getuid!()]);

    const qemu = `/proc/${scratch.qemuOfVm(task.task_id.replace("task-", "vm-"))}`;
    const opened = readdirSync(join(qemu, "fd")).filter((fd) => readlinkSync(join(qemu, "fd", fd)).endsWith("/ram"));
    assert.equal(opened.length, 1);
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(join(qemu, "fdinfo", opened[0]!), "utf8"))?.[1];
    assert.equal(Number.parseInt(flags!, 8) & ACCESS_MODE, constants.O_RDONLY);
    const mounts = readFileSync(join(qemu, "mountinfo"), "utf8").split("\n");
    const ofTemplate = mounts.map((line) => line.split(" ")).filter((words) => words[4]?.startsWith("/pyro/template"));
    assert.deepEqual(
      ofTemplate.map((words) => [words[4], words[5]!.split(",")[0]]),
      [["/pyro/template", "ro"]],
    );
    await scratch.client.call("task.delete", { task_id: task.task_id });
  });

  test("clones that wake together have different identities and the current time, also from an old template", async () => {
    await stopDaemon();
    // As if it had been frozen ten days ago.
    const record = JSON.parse(readFileSync(fileOf("template.json"), "utf8")) as Record<string, unknown>;
    const built_at = new Date(Date.now() - 864_000_000).toISOString();
    writeFileSync(fileOf("template.json"), JSON.stringify({ ...record, built_at }));

    const ask = () => run("sh", "-c", QUESTION);
    const startedMs = Date.now();
    const answers = await Promise.all([ask(), ask(), ask()]);
    const lines = answers.map(({ stdout }) => stdout.trim().split("\n"));
    for (const [index, what] of ["uuid", "urandom", "hostname", "machine-id"].entries()) {
      assert.equal(new Set(lines.map((line) => line[index])).size, 3, `${what} repeats: ${JSON.stringify(lines)}`);
    }
    // A guest reads whole seconds.
    for (const line of lines) {
      const guestMs = Number(line[4]) * 1000;
      assert.ok(startedMs - 5_000 < guestMs && guestMs < Date.now() + 5_000, `clock is off: ${line[4]}`);
    }
    for (const [, , hostname, , , file, hosts] of lines)
      assert.deepEqual([file, hosts], [hostname, `127.0.1.1 ${hostname}`]);
    assert.deepEqual([builtTimes(scratch), templatesOf(scratch).length], [1, 1], "the old template was used");
  });

  test("a template whose memory may be written is built again", async () => {
    await stopDaemon();
    chmodSync(fileOf("ram"), 0o666);
    const { status } = await run("true");
    assert.deepEqual([status, builtTimes(scratch)], [0, 2]);
    assert.equal(statSync(fileOf("ram")).mode & 0o777, 0o444);
  });

  test("a template that was written to is not used again", async () => {
    await stopDaemon();
    chmodSync(fileOf("state"), 0o600);
    appendFileSync(fileOf("state"), "x");
    const { status } = await run("true");
    assert.deepEqual([status, builtTimes(scratch)], [0, 3]);
  });
});
