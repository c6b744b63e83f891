import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { SwitchBegun } from "../client/pull/switch-begun.js";
import { TwoVersions, type Version } from "../client/pull/two-versions.js";
import { endOf, type Ended, kill, until } from "../client/scratch.js";
import { random } from "../seed.js";
import { roundsOr, TaskScratch } from "./task-scratch.js";

const VICTIMS = ["client", "daemon", "VM"] as const;
type Victim = (typeof VICTIMS)[number];

/** A night's run sets 5,000. */
const FILES = Number(process.env["PYRO_PULL_FILES"] ?? 300);
const ROLLED_BACK = /interrupted.*taken back/;

/** A task made from a directory of the host, into which it is pulled. */
class Pulling {
  readonly host: string;
  readonly #scratch: TaskScratch;
  readonly #tree = new TwoVersions(FILES);
  #task = "";

  constructor(scratch: TaskScratch) {
    this.#scratch = scratch;
    this.host = join(scratch.directory, "host");
    mkdirSync(this.host);
    this.#tree.write(this.host, 0);
  }

  async createTask(): Promise<void> {
    if (this.#task !== "") await this.#scratch.delete(this.#task);
    this.#task = await this.#scratch.create({ source_path: this.host });
  }

  async change(version: Version): Promise<void> {
    const { exit_code } = await this.#scratch.execHere(this.#task, this.#tree.command(version), {}, 300);
    assert.equal(exit_code, 0);
  }

  pull(...flags: string[]): Promise<Ended> {
    return this.#scratch.pyro(["task", "sync", "pull", this.#task, "--delete", ...flags]);
  }

  undo(): Promise<Ended> {
    return this.#scratch.pyro(["task", "sync", "undo", this.#task]);
  }

  /** Pulls, and kills one of the processes: soon after the switch has begun, or after `atMs`, and when the pull has ended before. */
  async pullAndKill(victim: Victim, atMs: number | null): Promise<Ended> {
    const pids = { daemon: await this.#scratch.daemonPid(), VM: this.#scratch.qemuOf(this.#task) };
    using begun = new SwitchBegun(this.host);
    const child = this.#scratch.start(["task", "sync", "pull", this.#task, "--delete"]);
    const ended = endOf(child);
    await Promise.race([ended, atMs === null ? begun.seen : sleep(atMs)]);
    await sleep(random() * 20);
    if (victim === "client") child.kill("SIGKILL");
    else kill(pids[victim]);
    const result = await ended;
    if (victim === "VM") await until("the task has failed", () => this.#isFailed());
    return result;
  }

  /** Fails when the host has a part of a version, or files of an unfinished pull. */
  find(): Version {
    assert.ok(!this.#isUnderWay(), "a pull under way is left");
    return this.#tree.find(this.host);
  }

  async #isFailed(): Promise<boolean> {
    return (await this.#scratch.status(this.#task)).state === "failed";
  }

  #isUnderWay(): boolean {
    const pulls = join(this.#scratch.home, "pulls");
    return existsSync(pulls) && readdirSync(pulls).some((key) => existsSync(join(pulls, key, "current")));
  }
}

/** Compares the report of the next command with the host's files. */
function assertTold(
  found: Version,
  { next, pulled, told }: { next: Version; pulled: Ended; told: Ended | null },
): void {
  const label = `the pull ended with ${pulled.status}: ${pulled.stderr}`;
  const isRolledBack = told !== null && ROLLED_BACK.test(told.stderr);
  if (isRolledBack) assert.notEqual(found, next, label);
  // An undo that succeeds undoes this pull, or an earlier complete one if this one had written nothing.
  else if (told === null && pulled.status === 0) assert.equal(found, next, label);
}

test("client, daemon or VM killed at any moment of a pull: the host holds the old tree or the new one, and the next command says which", async (t) => {
  await using scratch = new TaskScratch();
  const pulling = new Pulling(scratch);
  await pulling.createTask();
  await pulling.change(1);
  const startedMs = performance.now();
  assert.equal((await pulling.pull()).status, 0);
  const wholeMs = performance.now() - startedMs;
  let current = pulling.find();
  assert.equal(current, 1);
  const counts = { old: 0, new: 0, rolledBack: 0 };
  for (let round = 0; round < roundsOr(VICTIMS.length); round += 1) {
    const next: Version = current === 0 ? 1 : 0;
    await pulling.change(next);
    const victim = VICTIMS[round % VICTIMS.length] ?? "client";
    const isInSwitch = Math.floor(round / VICTIMS.length) % 2 === 0;
    const pulled = await pulling.pullAndKill(victim, isInSwitch ? null : random() * wholeMs);
    const undone = victim === "VM" || round % 2 === 1 ? await pulling.undo() : null;
    const told = undone ?? (await pulling.pull("--dry-run"));
    const found = pulling.find();
    assertTold(found, { next, pulled, told: undone?.status === 0 || ROLLED_BACK.test(told.stderr) ? told : null });
    counts[found === current ? "old" : "new"] += 1;
    counts.rolledBack += ROLLED_BACK.test(told.stderr) ? 1 : 0;
    if (victim === "VM") {
      await pulling.createTask();
      await pulling.change(next);
    }
    const again = await pulling.pull();
    assert.equal(again.status, 0, again.stdout + again.stderr);
    current = pulling.find();
    assert.equal(current, next);
  }
  t.diagnostic(`${JSON.stringify(counts)}; a whole pull takes ${Math.round(wholeMs)} ms`);
});
