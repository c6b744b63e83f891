import { reasonOf } from "../../../contract/errors.js";
import type { TaskRecord } from "../../../store/task-record.js";
import { unattended } from "../../call.js";
import type { Loss } from "../../lifecycle/session.js";
import type { TaskSnapshots, TaskVm } from "../task-vm.js";
import { startFromRecord } from "./start.js";

/** Restores that a record keeps. */
const RESTORES_KEPT = 200;

/** The record of a task that continues from its automatic snapshot; null when it has none. */
export function restoredRecord(record: TaskRecord, snapshots: TaskSnapshots, why: string): TaskRecord | null {
  const { automatic_snapshot: automatic } = record;
  if (automatic === null) return null;
  const { snapshot_id, created_at: snapshot_at } = automatic;
  if (!snapshots.list().some((snapshot) => snapshot.record.snapshot_id === snapshot_id)) return null;
  const restore = { at: new Date().toISOString(), snapshot_id, snapshot_at, reason: why };
  return {
    ...record,
    ...{ state: "stopped", machine: null, resumes_from: snapshot_id },
    reason: `${why}; it continues from its automatic snapshot of ${snapshot_at}`,
    restores: [...record.restores, restore].slice(-RESTORES_KEPT),
  };
}

/** True for a stopped task whose VM died: none of its commands continues. */
export function isRestored({ resumes_from, automatic_snapshot }: TaskRecord): boolean {
  return resumes_from !== null && resumes_from === automatic_snapshot?.snapshot_id;
}

/**
 * Records that a VM was lost. When it died, starts the task from its automatic snapshot. A second death with the same snapshot leaves
 * the task stopped at it, since the snapshot may be the cause: the next command starts it.
 */
export async function handleLoss(vm: TaskVm, loss: Loss, deleted: AbortSignal): Promise<void> {
  const { record } = vm;
  const next = loss.how === "died" ? restoredRecord(record, vm.parts.snapshots, `its VM ended: ${loss.reason}`) : null;
  if (next === null) return vm.lose(loss);
  await vm.changes.take(deleted, async () => {
    if (vm.record.incarnation !== record.incarnation || vm.record.state !== "started") return;
    vm.content.services.suspend();
    await Promise.all(vm.content.execs.running.map(({ done }) => done));
    const restored = restoredRecord(vm.record, vm.parts.snapshots, next.restores.at(-1)!.reason);
    if (restored === null) return vm.lose(loss);
    const { state, machine, resumes_from, reason, restores } = restored;
    try {
      await vm.change({ state, machine, resumes_from, reason, restores });
    } catch (error) {
      await vm.lose(loss);
      throw error;
    }
    const isSecond = restores.filter(({ snapshot_id }) => snapshot_id === resumes_from).length > 1;
    if (!isSecond) await startAgain(vm, deleted);
  });
}

/** If it fails, the task stays stopped, and the next command tries again. */
async function startAgain(vm: TaskVm, deleted: AbortSignal): Promise<void> {
  const { reason } = vm.record;
  try {
    await startFromRecord(vm, unattended(deleted));
  } catch (error) {
    if (vm.record.state !== "stopped") throw error;
    await vm.change({
      state: "stopped",
      reason: `${reason}, and could not be started: ${reasonOf(error)}`,
    });
  }
}
