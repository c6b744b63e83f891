import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { TwoVersions, type Version } from "../client/pull/two-versions.js";
import { endOf, kill, until } from "../client/scratch.js";
import { random } from "../seed.js";
import { roundsOr, TaskScratch } from "./task-scratch.js";

const VICTIMS = ["client", "daemon", "VM"] as const;
/** A night's run sets 5,000. */
const FILES = Number(process.env["PYRO_PULL_FILES"] ?? 300);
const ROLLED_BACK = /interrupted.*taken back/;

test("client, daemon or VM killed at any moment of a pull: the host holds the old tree or the new one, and the next command says which", async (t) => {
  await using scratch = new TaskScratch();
  const host = join(scratch.directory, "host");
  const pulls = join(scratch.home, "pulls");
  const tree = new TwoVersions(FILES);
  mkdirSync(host);
  tree.write(host, 0);
  const entriesOf = () => (existsSync(pulls) ? readdirSync(pulls) : []).map((key) => join(pulls, key));
  const isSwitching = () => entriesOf().some((path) => existsSync(join(path, "current/steps.json")));
  let task = await scratch.create({ source_path: host });
  const change = async (version: Version) =>
    assert.equal((await scratch.execHere(task, tree.command(version), {}, 300)).exit_code, 0);
  const pull = (...flags: string[]) => scratch.pyro(["task", "sync", "pull", task, "--delete", ...flags]);

  await change(1);
  const startedMs = performance.now();
  assert.equal((await pull()).status, 0);
  const wholeMs = performance.now() - startedMs;
  let current: Version = tree.find(host);
  assert.equal(current, 1);

  const counts = { old: 0, new: 0, rolledBack: 0 };
  const rounds = roundsOr(VICTIMS.length);
  for (let round = 0; round < rounds; round += 1) {
    const next: Version = current === 0 ? 1 : 0;
    await change(next);
    const victim = VICTIMS[round % VICTIMS.length] ?? "client";
    const pids = { daemon: await scratch.daemonPid(), VM: scratch.qemuOf(task) };
    const child = scratch.start(["task", "sync", "pull", task, "--delete"]);
    const ended = endOf(child);
    // Half of them in the switch, if it is not over before it is seen; the others at any time.
    if (Math.floor(round / VICTIMS.length) % 2 === 0) {
      await Promise.race([ended, until("the pull switches", isSwitching)]);
      await sleep(random() * 20);
    } else await Promise.race([ended, sleep(random() * wholeMs)]);
    kill(victim === "client" ? (child.pid ?? 0) : pids[victim]);
    const { status, stderr } = await ended;
    const label = `round ${round}: ${victim} killed, the pull ended with ${status}: ${stderr}`;

    if (victim === "VM")
      await until("the task has failed", async () => (await scratch.status(task)).state === "failed");
    const asksUndo = victim === "VM" || round % 2 === 1;
    const after = await (asksUndo ? scratch.pyro(["task", "sync", "undo", task]) : pull("--dry-run"));
    const isRolledBack = ROLLED_BACK.test(after.stderr);
    const found = tree.find(host);
    // An undo that succeeds takes back the pull that was killed, or the whole one before it.
    if (asksUndo && after.status === 0 && !isRolledBack) assert.ok(found === current || found === next, label);
    else if (status === 0) assert.equal(found, next, label);
    if (isRolledBack) assert.equal(found, current, label);
    for (const path of entriesOf()) assert.ok(!existsSync(join(path, "current")), label);
    counts[found === current ? "old" : "new"] += 1;
    counts.rolledBack += isRolledBack ? 1 : 0;

    if (victim === "VM") {
      await scratch.delete(task);
      task = await scratch.create({ source_path: host });
      await change(next);
    }
    const again = await pull();
    assert.equal(again.status, 0, `${label}\n${again.stdout}${again.stderr}`);
    current = tree.find(host);
    assert.equal(current, next, label);
  }
  t.diagnostic(`${JSON.stringify(counts)}; a whole pull takes ${Math.round(wholeMs)} ms`);
});
