import { readSnapshotFacts } from "../../../store/snapshot-facts.js";
import type { TaskVm } from "../task-vm.js";
import { saveSnapshot } from "./snapshot.js";

/** Makes the automatic snapshot of a running task, then removes earlier ones, unless another task starts from them. */
export async function renewAutomatic(
  vm: TaskVm,
  isNeeded: (snapshotId: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  await vm.changes.take(signal, async () => {
    const { record } = await vm.standStill("snapshot", signal, (machine) =>
      saveSnapshot(vm, machine, { purpose: "automatic", name: null, signal }),
    );
    const { snapshot_id, created_at } = record;
    try {
      await vm.change({ automatic_snapshot: { snapshot_id, created_at } });
    } catch (error) {
      await vm.parts.snapshots.delete(snapshot_id).catch(() => {});
      throw error;
    }
    await removeEarlier(vm, isNeeded);
  });
}

async function removeEarlier({ parts, record }: TaskVm, isNeeded: (snapshotId: string) => boolean): Promise<void> {
  for (const snapshot of parts.snapshots.list()) {
    const { task_id, snapshot_id } = snapshot.record;
    if (task_id !== record.task_id || snapshot_id === record.automatic_snapshot?.snapshot_id) continue;
    const facts = await readSnapshotFacts(snapshot.taskPath).catch(() => null);
    if (facts?.purpose === "automatic" && !isNeeded(snapshot_id)) await parts.snapshots.delete(snapshot_id);
  }
}
