import { readSnapshotFacts } from "../../../store/snapshot-facts.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { isResumable } from "../moves.js";
import type { TaskVm } from "../task-vm.js";
import type { BranchPoint } from "./fork.js";
import { describeTask } from "./snapshot.js";

type Use<T> = (point: BranchPoint) => Promise<T>;

/** A snapshot as the beginning of forks. */
export async function branchFromSnapshot(snapshot: Snapshot): Promise<BranchPoint> {
  const listsPath = snapshot.taskPath;
  const facts = await readSnapshotFacts(listsPath);
  return {
    ...{ snapshot, listsPath, snapshotId: snapshot.record.snapshot_id },
    ...{ parent: facts.record, readFacts: async () => facts },
  };
}

/**
 * The present state of a task as the beginning of forks, for the duration of `use`. The task keeps running, and a stopped one stays
 * stopped. Throws FAILED_PRECONDITION when it is neither. For a single fork, `use` begins before the snapshot of a running task is whole.
 */
export async function branchFromTask<T>(vm: TaskVm, signal: AbortSignal, use: Use<T>, isForOne = false): Promise<T> {
  const { using } = await vm.changes.take(signal, async () => {
    if (!isResumable(vm.record)) return branchFromRunning(vm, signal, use, isForOne);
    // Its snapshot must stay until the forks have started.
    return { using: Promise.resolve(await use(await branchFromStopped(vm))) };
  });
  return using;
}

async function branchFromStopped(vm: TaskVm): Promise<BranchPoint> {
  const { parts, record } = vm;
  const point = await branchFromSnapshot(parts.snapshots.get(record.resumes_from!));
  const readFacts = async () => ({ ...(await point.readFacts()), record });
  return { ...point, parent: record, readFacts, listsPath: parts.directory, snapshotId: null };
}

/** Returns when the snapshot is made: the task takes commands again while forks start. */
async function branchFromRunning<T>(
  vm: TaskVm,
  signal: AbortSignal,
  use: Use<T>,
  isForOne: boolean,
): Promise<{ using: Promise<T> }> {
  return vm.standStill("fork", signal, async (machine) => {
    let onMade = () => {};
    const isMade = new Promise<void>((resolve) => (onMade = resolve));
    const { record: parent, parts } = vm;
    const options = { signal, isForOne, ...vm.notes("fork") };
    const begin = (snapshot: Snapshot) => {
      const { whole, taskPath: listsPath } = snapshot;
      void Promise.resolve(whole).then(onMade, () => {});
      return use({ snapshot, listsPath, snapshotId: null, parent, readFacts: () => readSnapshotFacts(listsPath) });
    };
    const using = parts.snapshots.passing(machine, describeTask(parent, null), options, begin);
    await Promise.race([isMade, using]);
    return { using };
  });
}
