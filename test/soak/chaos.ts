import assert from "node:assert/strict";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isAlive, readProcessIdentity, sendSignal } from "../../src/host/process.js";
import { commandLineOf, kill, processesOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import type { Ledger } from "./ledger.js";
import type { Worker } from "./worker.js";

const victims = ["client", "client", "qemu", "qemu", "gate", "helper"] as const;
/** The memory of a snapshot is copied by the one; the other ends a run, or the VM that reads the disk of a dead task. */
const helpers = ["pyro-pages", "pyro-keeper"];
const PAUSE_MS = { least: 1_500, most: 5_000 };

/** Kills processes of a soak at random moments, and the daemon so many times. */
export class Chaos {
  readonly #scratch: TaskScratch;
  readonly #ledger: Ledger;
  readonly #workers: readonly Worker[];
  readonly #random: () => number;

  constructor(scratch: TaskScratch, ledger: Ledger, workers: readonly Worker[], random: () => number) {
    this.#scratch = scratch;
    this.#ledger = ledger;
    this.#workers = workers;
    this.#random = random;
  }

  async killOthers(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(PAUSE_MS.least + this.#random() * (PAUSE_MS.most - PAUSE_MS.least));
      const victim = this.#pick(victims)!;
      if (this.#killOne(victim)) this.#ledger.count(`killed ${victim}`);
    }
  }

  /** Kills the daemon so often, at equal intervals. After every second kill a VM dies too, while no daemon watches it. */
  async killDaemons(times: number, seconds: number, isOver: () => boolean): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      await sleep((seconds * 1_000) / (times + 1));
      if (isOver()) return;
      const identity = readProcessIdentity(await this.#scratch.daemonPid());
      assert.ok(identity && commandLineOf(identity.pid).some((word) => word.endsWith("/daemon/main.js")));
      assert.ok(sendSignal(identity, "SIGKILL"));
      await until("the daemon has ended", () => !isAlive(identity));
      this.#ledger.count("killed daemon");
      if (count % 2 === 1 && this.#killQemu()) this.#ledger.count("killed qemu without a daemon");
    }
  }

  #killOne(victim: (typeof victims)[number]): boolean {
    if (victim === "client")
      return this.#pick(this.#workers.flatMap(({ clients }) => [...clients]))?.kill("SIGKILL") ?? false;
    if (victim === "qemu") return this.#killQemu();
    const names = victim === "gate" ? ["pyro-gate"] : helpers;
    const isVictim = (each: number) => names.includes(basename(commandLineOf(each)[0] ?? ""));
    const pid = this.#pick(processesOf(this.#scratch.home).filter(isVictim));
    return pid !== undefined && kill(pid);
  }

  #killQemu(): boolean {
    const task = this.#pick(this.#ledger.tasks);
    if (task === undefined) return false;
    try {
      const pid = this.#scratch.qemuOf(task.id);
      this.#ledger.kill(task.id);
      return kill(pid);
    } catch {
      return false;
    }
  }

  #pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }
}
