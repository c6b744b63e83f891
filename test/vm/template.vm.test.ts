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
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { endOf, processesOf, until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

const templatesOf = (scratch: VmScratch) => {
  const directory = join(scratch.home, "templates");
  return existsSync(directory) ? readdirSync(directory) : [];
};
/** The bits of open flags that say whether a file was opened for reading or writing. */
const ACCESS_MODE = 3;
const builtTimes = (scratch: VmScratch) =>
  readFileSync(join(scratch.home, "daemon.log"), "utf8").split("template frozen").length - 1;

test("ten runs at once build one template", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  const runs = Array.from({ length: 10 }, (_, index) =>
    scratch.pyro(["run", "debian:12", "--", "echo", String(index)]),
  );
  const ended = await Promise.all(runs);
  assert.deepEqual(
    ended.map(({ status, stdout }) => [status, stdout]),
    ended.map((_, index) => [0, `${index}\n`]),
  );
  assert.equal(builtTimes(scratch), 1);
  assert.equal(templatesOf(scratch).length, 1);
});

test("a builder that is killed leaves no half template, and no QEMU", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  const child = scratch.start(["run", "debian:12", "--", "true"]);
  const ended = endOf(child);
  await until("a template is being built", () => templatesOf(scratch).some((name) => name.startsWith("tmp-")));
  process.kill(await scratch.daemonPid(), "SIGKILL");
  assert.equal((await ended).status, 125);
  await until("its QEMU is gone too", () => processesOf(scratch.home).length === 0);

  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--", "echo", "again"]);
  assert.deepEqual([status, stdout], [0, "again\n"]);
  assert.equal(templatesOf(scratch).filter((name) => name.startsWith("tmp-")).length, 0);
});

test("a VM can neither write its template's memory nor open it for writing", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  const task = await scratch.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
  const [template] = templatesOf(scratch);
  const { mode, uid } = statSync(join(scratch.home, "templates", template!, "ram"));
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
});

test("a template whose memory may be written is built again", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  await scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", "true"]);
  chmodSync(join(scratch.home, "templates", templatesOf(scratch)[0]!, "ram"), 0o666);
  const { status } = await scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", "true"]);
  assert.deepEqual([status, builtTimes(scratch)], [0, 2]);
  const [rebuilt] = templatesOf(scratch);
  assert.equal(statSync(join(scratch.home, "templates", rebuilt!, "ram")).mode & 0o777, 0o444);
});

test("a template that was written to is not used again", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  await scratch.pyro(["run", "debian:12", "--", "true"]);
  const state = join(scratch.home, "templates", templatesOf(scratch)[0]!, "state");
  chmodSync(state, 0o600);
  appendFileSync(state, "x");
  const { status } = await scratch.pyro(["run", "debian:12", "--", "true"]);
  assert.equal(status, 0);
  assert.equal(builtTimes(scratch), 2);
});
