import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";

import { isAlive, readProcessIdentity, sendSignal, type ProcessIdentity } from "../../src/host/process.js";
import { commandLineOf, processesOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";

/** The identity of a process that must be there. */
export function identityOf(pid: number | undefined, what: string): ProcessIdentity {
  const identity = pid === undefined ? null : readProcessIdentity(pid);
  assert.ok(identity, `${what} is not there`);
  return identity;
}

/** The process of a home whose program has this name, and among whose arguments one contains a text. */
export function findProgram(home: string, name: string, text: string): number | undefined {
  return processesOf(home).find((pid) => {
    const [program = "", ...words] = commandLineOf(pid);
    return program.endsWith(`/${name}`) && words.some((word) => word.includes(text));
  });
}

/** Kills exactly that process, and waits until it has ended. */
export async function killExactly(victim: ProcessIdentity, what: string): Promise<void> {
  assert.ok(sendSignal(victim, "SIGKILL"), `${what} had ended already`);
  await until(`${what} has ended`, () => !isAlive(victim));
}

/** A `pyro run` whose command runs, and the processes of its VM. */
export class RunningRun {
  readonly client: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly keeper: ProcessIdentity;
  readonly qemu: ProcessIdentity;

  private constructor(
    client: ChildProcess,
    ended: Promise<number | null>,
    keeper: ProcessIdentity,
    qemu: ProcessIdentity,
  ) {
    this.client = client;
    this.ended = ended;
    this.keeper = keeper;
    this.qemu = qemu;
  }

  static async start(scratch: TaskScratch): Promise<RunningRun> {
    const client = scratch.start(["run", "debian:12", "--mem-mib", "256", "--", "sh", "-c", "hostname; sleep 600"]);
    const ended = new Promise<number | null>((resolve) => client.once("close", resolve));
    let said = "";
    client.stdout?.on("data", (data: Buffer) => (said += data.toString()));
    client.stderr?.resume();
    await until("the command runs", () => said.endsWith("\n"));
    // Spare VMs have keepers as well.
    const vmId = said.trim();
    assert.match(vmId, /^vm-[0-9a-f]{12}$/);
    const keeper = findProgram(scratch.home, "pyro-keeper", `${scratch.home}/vms/${vmId}`);
    return new RunningRun(client, ended, identityOf(keeper, "the keeper"), identityOf(scratch.qemuOfVm(vmId), "QEMU"));
  }
}
