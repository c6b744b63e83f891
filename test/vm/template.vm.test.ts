import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { endOf, processesOf, until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

const templatesOf = (scratch: VmScratch) => {
  const directory = join(scratch.home, "templates");
  return existsSync(directory) ? readdirSync(directory) : [];
};
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
