import type { ResultOf } from "../../contract/operations.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { ExecEnded, ExecStarted } from "./exec-outcome.js";
import type { TaskExec } from "./task-exec.js";

interface RestoredVm {
  readonly record: TaskRecord;
  /** Resolves when the loss of the VM, if it is being lost, is recorded. */
  lossRecorded(): Promise<void>;
}

/**
 * The restore that the result of a command reports. A command that ran after the snapshot reports the restore that undid it; the first
 * command of a caller after a restore reports that restore. Null for other commands. Waits for the restore of a VM that has just died.
 */
export async function restoreOf(
  vm: RestoredVm,
  all: readonly TaskExec[],
  started: ExecStarted,
  ended: ExecEnded | null,
): Promise<ResultOf<"task.exec">["restored"]> {
  if (ended?.error?.code === "VM_DIED") await vm.lossRecorded();
  const { restores } = vm.record;
  const undoing = restores.findLast(
    ({ at, snapshot_at }) => started.started_at <= at && ended !== null && ended.ended_at > snapshot_at,
  );
  if (undoing) return viewOf(undoing, true);
  const before = restores.findLast(({ at }) => started.started_at > at);
  if (before === undefined || !isOfCaller(started)) return null;
  const first = all.find((exec) => isOfCaller(exec.started) && exec.started.started_at > before.at);
  return first?.started.sequence === started.sequence ? viewOf(before, false) : null;
}

/** False for a command that a service or a snapshot started. */
function isOfCaller({ service, skipped }: ExecStarted): boolean {
  return service === undefined && skipped === undefined;
}

function viewOf({ at, snapshot_at, reason }: TaskRecord["restores"][number], undone: boolean) {
  return { at, snapshot_at, reason, undone };
}
