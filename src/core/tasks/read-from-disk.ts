import { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { SEED } from "./branches/start.js";
import { isResumable } from "./moves.js";
import type { TaskSnapshots, TaskVm } from "./task-vm.js";

type OnDisk<T> = (channel: Channel) => Promise<T>;

/**
 * Works with the files of a task without a VM, and does not start the task. The files are on the disk of a dead VM, or on the disk of
 * the snapshot from which a stopped task continues. Null, without any work, when a VM or a snapshot's memory has the files.
 */
export async function readFromDisk<T>(
  vm: TaskVm,
  signal: AbortSignal,
  work: OnDisk<T>,
): Promise<{ readonly result: T } | null> {
  // A task that is being stopped has a snapshot afterwards.
  while (vm.still) await abortable(vm.still, signal);
  if (isResumable(vm.record)) return readStopped(vm, signal, work);
  if (vm.record.state === "started" || !vm.disk.isKept) return null;
  return { result: await vm.disk.read(signal, work) };
}

/** A start or reset cannot come in between, so the snapshot stays until the helper has its disk. */
async function readStopped<T>(
  vm: TaskVm,
  signal: AbortSignal,
  work: OnDisk<T>,
): Promise<{ readonly result: T } | null> {
  const begun = await vm.changes.take(signal, async () => {
    const snapshot = await findSnapshot(vm);
    if (snapshot === null) return null;
    let onOpen = () => {};
    const isOpen = new Promise<void>((resolve) => (onOpen = resolve));
    const reading = vm.parts.machines.readSnapshot(snapshot, signal, (channel) => {
      onOpen();
      return work(channel);
    });
    await Promise.race([isOpen, reading]);
    return { reading };
  });
  return begun && { result: await begun.reading };
}

/** Null for a task that is started or starts from its seed, and for a snapshot with files that were not on the disk yet. */
async function findSnapshot({ record, parts }: TaskVm): Promise<Snapshot | null> {
  if (!isResumable(record) || record.resumes_from === null || record.resumes_from === SEED) return null;
  const snapshot = parts.snapshots.get(record.resumes_from);
  return (await isSynced(snapshot)) ? snapshot : null;
}

/** A snapshot whose files can be read. Throws NOT_FOUND, and FAILED_PRECONDITION when only its memory has its files. */
export async function findReadable(snapshots: TaskSnapshots, reference: string): Promise<Snapshot> {
  const snapshot = snapshots.get(reference);
  if (await isSynced(snapshot)) return snapshot;
  throw new PyroError(
    "FAILED_PRECONDITION",
    `The files of snapshot ${reference} cannot be read, since they are not on its disk.`,
    {
      hint: "The guest had not written them to the disk when the snapshot was made, or an earlier version made it. Fork it to read them.",
      details: { snapshot_id: snapshot.record.snapshot_id, reason: "not_synced" },
    },
  );
}

async function isSynced({ taskPath }: Snapshot): Promise<boolean> {
  return (await readSnapshotFacts(taskPath)).synced === true;
}
