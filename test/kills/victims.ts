import assert from "node:assert/strict";

import { isAlive, type ProcessIdentity } from "../../src/host/process.js";
import { commandLineOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { findProgram, identityOf, killExactly, RunningRun } from "./cast.js";

/** Tasks with a known content: one that is hurt, and its neighbour. */
export class Stage {
  readonly scratch: TaskScratch;
  readonly neighbour: string;
  task = "";

  private constructor(scratch: TaskScratch, neighbour: string) {
    this.scratch = scratch;
    this.neighbour = neighbour;
  }

  static async open(scratch: TaskScratch): Promise<Stage> {
    const stage = new Stage(scratch, await scratch.create());
    await scratch.execHere(stage.neighbour, "echo neighbour >kept && sync");
    await stage.renew();
    return stage;
  }

  /** Another task in the place of the one that was hurt. */
  async renew(): Promise<void> {
    if (this.task !== "") await this.scratch.delete(this.task);
    this.task = await this.scratch.create({ network: true });
    await this.scratch.execHere(this.task, "echo task >kept && sync");
  }

  async daemon(): Promise<ProcessIdentity> {
    const pid = await this.scratch.daemonPid();
    assert.ok(
      commandLineOf(pid).some((word) => word.endsWith("/daemon/main.js")),
      "not the daemon",
    );
    return identityOf(pid, "the daemon");
  }

  qemuOf(task: string): ProcessIdentity {
    return identityOf(this.scratch.qemuOf(task), "QEMU");
  }

  gate(): ProcessIdentity {
    const vmId = this.task.replace("task-", "vm-");
    return identityOf(findProgram(this.scratch.home, "pyro-gate", vmId), "the gate");
  }

  async assertContent(task: string, content: string): Promise<void> {
    assert.equal((await this.scratch.execHere(task, "cat kept", {}, 120)).stdout, `${content}\n`);
  }

  async assertNothingOfRunLeft({ keeper, qemu }: RunningRun): Promise<void> {
    await until("the run's VM has ended", () => !isAlive(keeper) && !isAlive(qemu));
    const own = [this.task, this.neighbour].map((task) => task.replace("task-", "vm-"));
    await until("its files are gone", () =>
      this.scratch.leftovers().every((name) => own.some((vmId) => name.includes(vmId))),
    );
  }
}

/** Kills one process of a kind, by its identity, and checks what follows. Returns the id of the killed process. */
export const victims: Readonly<Record<string, (stage: Stage) => Promise<number>>> = {
  daemon: async (stage) => {
    const [daemon, qemu] = [await stage.daemon(), stage.qemuOf(stage.task)];
    await killExactly(daemon, "the daemon");
    await stage.assertContent(stage.task, "task");
    assert.notDeepEqual(await stage.daemon(), daemon);
    assert.deepEqual(stage.qemuOf(stage.task), qemu, "the VM is another one");
    return daemon.pid;
  },
  qemu: async (stage) => {
    const { scratch, task } = stage;
    const qemu = stage.qemuOf(task);
    await killExactly(qemu, "QEMU");
    await until("the task has failed", async () => (await scratch.status(task)).state === "failed");
    await stage.renew();
    return qemu.pid;
  },
  gate: async (stage) => {
    const { scratch, task } = stage;
    const [gate, qemu] = [stage.gate(), stage.qemuOf(task)];
    await killExactly(gate, "the gate");
    await until("the network is down", async () => (await scratch.status(task)).network?.state === "down");
    await stage.assertContent(task, "task");
    assert.deepEqual(stage.qemuOf(task), qemu);
    await stage.renew();
    return gate.pid;
  },
  keeper: async (stage) => {
    const run = await RunningRun.start(stage.scratch);
    await killExactly(run.keeper, "the keeper");
    assert.equal(await run.ended, 125, "the run has succeeded without its VM");
    await stage.assertNothingOfRunLeft(run);
    return run.keeper.pid;
  },
  client: async (stage) => {
    const run = await RunningRun.start(stage.scratch);
    const client = identityOf(run.client.pid, "the client");
    await killExactly(client, "the client");
    await run.ended;
    await stage.assertNothingOfRunLeft(run);
    return client.pid;
  },
};
