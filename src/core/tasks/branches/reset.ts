import { PyroError } from "../../../contract/errors.js";
import { readSnapshotFacts } from "../../../store/snapshot-facts.js";
import { assertFreeSpace } from "../../../host/disk.js";
import type { TaskRecord } from "../../../store/task-record.js";
import type { Call } from "../../call.js";
import type { TaskVm } from "../task-vm.js";
import { assertSeedIsKept } from "./seed-files.js";
import { SEED, startFromRecord } from "./start.js";

const MIB = 1_048_576;
/** Room that a VM needs to start, besides its disk. */
const RESERVE_MIB = 64;

interface ResetOptions {
  /** Id or name of a snapshot, or `seed`. */
  readonly to: string;
  /** Ends running commands. */
  readonly force: boolean;
}

/**
 * Makes a task continue from a snapshot or from its beginning, and discards its later state. Throws FAILED_PRECONDITION while commands
 * run, unless it is forced, HOST_NOT_ABLE when it may not start here, and DISK_FULL; then nothing has changed. If the VM does not start, the task is stopped at that state.
 */
export async function resetTask(vm: TaskVm, { to, force }: ResetOptions, call: Call): Promise<void> {
  await vm.changes.take(call.signal, async () => {
    const target = to === SEED ? await assertSeedIsKnown(vm) : vm.parts.snapshots.get(to).record.snapshot_id;
    const { resumes_from: earlier } = vm.record;
    await vm.parts.machines.assertIsolation(vm.record.require_isolation);
    await vm.whileNeeded(target, async () => {
      if (target !== SEED) await assertFits(vm, target);
      await assertFreeSpace(vm.parts.directory, neededMib(vm, target), "A reset");
      await vm.holdBack(call.signal, () => goBack(vm, target, force));
    });
    await removeStop(vm, earlier);
    await startFromRecord(vm, call);
  });
}

/** Stops the task at the target, without a VM. */
async function goBack(vm: TaskVm, target: string, force: boolean): Promise<void> {
  assertIdle(vm, force);
  const reason = new PyroError("ABORTED", `The task was reset to ${target}.`);
  vm.content.services.suspend();
  for (const exec of vm.content.execs.running) await exec.abandon(reason);
  await vm.change({
    ...{ state: "stopped", reason: `it is reset to ${target}`, machine: null },
    // It is of a later state, which a reset discards.
    automatic_snapshot: null,
    ...{ resumes_from: target, parent_snapshot: target === SEED ? null : target },
  });
  await vm.leave();
}

/** The disk of the next VM, before the present one has given up its own. */
function neededMib({ parts }: TaskVm, target: string): number {
  const diskBytes = target === SEED ? 0 : parts.snapshots.get(target).record.disk_bytes;
  return Math.ceil(diskBytes / MIB) + RESERVE_MIB;
}

/** Throws FAILED_PRECONDITION for a task that a setup prepared, and for a source whose files are not all kept. */
async function assertSeedIsKnown({ record, content }: TaskVm): Promise<string> {
  const { task_id, workspace_seed: seed, setup } = record;
  if (setup === null) {
    if (seed.mode !== "empty") await assertSeedIsKept(task_id, content.pushes.base);
    return SEED;
  }
  throw new PyroError(
    "FAILED_PRECONDITION",
    `Task ${task_id} cannot be reset to its beginning: a setup prepared it, and its first state is not kept.`,
    {
      hint: "Make a snapshot right after `pyro task create`, and reset to that.",
      details: { task_id, workspace_seed: seed.mode },
    },
  );
}

/** Throws FAILED_PRECONDITION when the VM of the task cannot continue from the snapshot. */
async function assertFits({ parts, record }: TaskVm, snapshotId: string): Promise<void> {
  const snapshot = parts.snapshots.get(snapshotId);
  const { record: then, purpose } = await readSnapshotFacts(snapshot.taskPath);
  if (purpose !== "stop" && isAlike(then, record)) {
    const problem = await parts.machines.checkSnapshot(snapshot);
    if (problem !== null) throw problem;
    return;
  }
  throw new PyroError(
    "FAILED_PRECONDITION",
    `Snapshot ${snapshotId} does not fit the task: its environment, size or network differs, or it belongs to a stop.`,
    {
      hint: "Fork the snapshot instead: `pyro task fork`.",
      details: { task_id: record.task_id, snapshot_id: snapshotId },
    },
  );
}

/** True when a VM of one record has the shape, environment and network that the other record needs. */
function isAlike(a: TaskRecord, b: TaskRecord): boolean {
  const kindOf = ({ environment, vcpu_count, mem_mib, disk_mib, network }: TaskRecord) =>
    [environment, vcpu_count, mem_mib, disk_mib, network].join(" ");
  return kindOf(a) === kindOf(b);
}

function assertIdle(vm: TaskVm, isForced: boolean): void {
  const { task_id } = vm.record;
  const running = vm.content.execs.running.map(({ started }) => started.sequence);
  if (running.length === 0 || isForced) return;
  throw new PyroError(
    "FAILED_PRECONDITION",
    `A reset of task ${task_id} would end ${running.length === 1 ? "its running command" : `its ${running.length} running commands`}.`,
    {
      hint: "Wait until no command runs, or use --force.",
      details: { task_id, running },
    },
  );
}

/** The snapshot of a stop is no longer needed. */
async function removeStop({ parts: { snapshots, log } }: TaskVm, earlier: string | null): Promise<void> {
  if (earlier === null || earlier === SEED) return;
  try {
    if ((await readSnapshotFacts(snapshots.get(earlier).taskPath)).purpose === "stop") await snapshots.delete(earlier);
  } catch (error) {
    log.warn({ err: error }, "the snapshot of a stop was not removed");
  }
}
