import type { FoundMachine } from "../../../backend/backend.js";
import { PyroError } from "../../../contract/errors.js";
import { abortable } from "../../../host/abortable.js";
import { readSnapshotFacts, type SnapshotFacts } from "../../../store/snapshot-facts.js";
import type { TaskRecord } from "../../../store/task-record.js";
import { copyBaseContent } from "../../../store/workspace-lists.js";
import type { NewSnapshot, Snapshot } from "../../snapshots/snapshots.js";
import type { TaskSnapshots, TaskVm } from "../task-vm.js";

/** How long a guest may take to write its files to its disk. */
const SYNC_DEADLINE_MS = 60_000;
/** How long it may take to answer at all. */
const PING_MS = 5_000;

/** Makes a snapshot of a task that stays until it is deleted. The task keeps running. */
export async function snapshotTask(vm: TaskVm, name: string | null, signal: AbortSignal): Promise<Snapshot> {
  return vm.changes.take(signal, async () => {
    const snapshot = await vm.standStill("snapshot", signal, (machine) =>
      saveSnapshot(vm, machine, { purpose: "kept", name, signal }),
    );
    await vm.change({ parent_snapshot: snapshot.record.snapshot_id });
    return snapshot;
  });
}

interface SaveOptions {
  readonly purpose: SnapshotFacts["purpose"];
  readonly name: string | null;
  /** The environment that the snapshot becomes. */
  readonly savedAs?: string;
  /** The setup that the snapshot is the result of. */
  readonly setupKey?: string;
  readonly signal: AbortSignal;
  /** False leaves the VM paused, for a caller that ends it. */
  readonly resumes?: boolean;
}

/** Call it only while the task is held still. */
export async function saveSnapshot(vm: TaskVm, machine: FoundMachine, options: SaveOptions): Promise<Snapshot> {
  const { purpose, name, savedAs = null, setupKey = null, signal, resumes = true } = options;
  // A running guest is not held up at each interval.
  const synced = purpose !== "automatic" && (await syncDisks(vm, signal));
  const notes = vm.notes(purpose, synced);
  const about = { ...describeTask(vm.record, name), saved_as: savedAs, setup_key: setupKey };
  const fill = async (directory: string) => {
    await notes.fill(directory);
    // The snapshot outlives the task, whose directory has the content otherwise.
    if (setupKey !== null) await copyBaseContent(vm.parts.directory, directory);
  };
  return vm.parts.snapshots.create(machine, about, { signal, resumes, ...notes, fill });
}

/** Has the guest write its files to its disk, so that the disk of the snapshot can be read. False when it does not. */
async function syncDisks({ channel, parts }: TaskVm, signal: AbortSignal): Promise<boolean> {
  if (channel === null) return false;
  try {
    // A guest that hangs does not hold the task up.
    await abortable(channel.request("ping", {}, { timeoutMs: PING_MS }), signal);
    await abortable(channel.request("sync", {}, { timeoutMs: SYNC_DEADLINE_MS, blocks: true }), signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    parts.log.warn({ err: error }, "a guest has not written its files to its disk");
    return false;
  }
}

/** The facts about its task in a snapshot's record. */
export function describeTask(record: TaskRecord, name: string | null): NewSnapshot {
  return {
    name,
    task_id: record.task_id,
    parent: record.parent_snapshot,
    environment: record.environment,
    environment_digest: record.environment_digest,
    vcpu_count: record.vcpu_count,
    mem_mib: record.mem_mib,
    disk_mib: record.disk_mib,
  };
}

/**
 * Removes what a daemon that died has left: snapshots of deleted tasks, and those of stops and
 * intervals that were not recorded.
 */
export async function tidySnapshots(
  snapshots: TaskSnapshots,
  isTask: (taskId: string) => boolean,
  isNeeded: (snapshotId: string) => boolean,
): Promise<void> {
  for (const { record, taskPath } of snapshots.list()) {
    if (isNeeded(record.snapshot_id)) continue;
    const facts = isTask(record.task_id) ? await readSnapshotFacts(taskPath).catch(() => null) : null;
    const isLeft = !isTask(record.task_id) || facts?.purpose === "stop" || facts?.purpose === "automatic";
    if (isLeft) await snapshots.delete(record.snapshot_id);
  }
}

/** Removes the snapshots of a task that was deleted, except those that others start from. */
export async function removeSnapshotsOf(
  snapshots: TaskSnapshots,
  taskId: string,
  isNeeded: (snapshotId: string) => boolean,
): Promise<void> {
  for (const { record } of snapshots.list()) {
    if (record.task_id === taskId && !isNeeded(record.snapshot_id)) await removeSnapshot(snapshots, record.snapshot_id);
  }
}

/** Removes a snapshot that another call may have removed already. */
async function removeSnapshot(snapshots: TaskSnapshots, snapshotId: string): Promise<void> {
  await snapshots.delete(snapshotId).catch((error: unknown) => {
    if (PyroError.from(error).code !== "NOT_FOUND") throw error;
  });
}
