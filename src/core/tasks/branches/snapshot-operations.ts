import { PyroError } from "../../../contract/errors.js";
import type { ResultOf } from "../../../contract/operations.js";
import { readSnapshotFacts, type SnapshotFacts } from "../../../store/snapshot-facts.js";
import type { Handler } from "../../core.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { whileUsed } from "../../snapshots/uses.js";
import { snapshotTask } from "./snapshot.js";
import type { Tasks } from "../tasks.js";

type SnapshotView = ResultOf<"task.snapshot.create">;

export const taskSnapshotCreate: Handler<"task.snapshot.create"> = async ({ tasks }, { task_id, name }, call) => {
  const task = tasks.get(task_id);
  const made = await task.changeVm(call, (vm, { signal }) => snapshotTask(vm, name ?? null, signal));
  return viewOf(tasks, made, await readSnapshotFacts(made.taskPath));
};

/** Lists snapshots, except those that a stop made: they belong to their task alone. One that is deleted meanwhile is left out. */
export const taskSnapshotList: Handler<"task.snapshot.list"> = async ({ tasks }, { task }) => {
  const wanted = task === undefined ? null : tasks.get(tasks.resolve(task)).taskId;
  const shown = tasks.snapshots.list().filter(({ record }) => wanted === null || record.task_id === wanted);
  const views = await Promise.all(
    shown.map((snapshot) => whileUsed(snapshot, () => listedOf(tasks, snapshot)).catch(nullIfGone)),
  );
  const unreadable = wanted === null ? [...tasks.snapshots.unreadable] : [];
  return {
    snapshots: views.filter((view) => view !== null).toSorted((a, b) => a.created_at.localeCompare(b.created_at)),
    unreadable: unreadable.map(([snapshot_id, reason]) => ({ snapshot_id, reason })),
  };
};

export const taskSnapshotDelete: Handler<"task.snapshot.delete"> = async ({ tasks }, input) => {
  const { snapshots } = tasks;
  const isUnreadable = snapshots.unreadable.has(input.snapshot_id);
  const snapshotId = isUnreadable ? input.snapshot_id : snapshots.get(input.snapshot_id).record.snapshot_id;
  const neededBy = tasks.needing(snapshotId);
  if (neededBy.length > 0) {
    throw new PyroError("FAILED_PRECONDITION", `Snapshot ${snapshotId} is needed by ${neededBy.join(", ")}.`, {
      hint: "Start or delete these tasks first.",
      details: { snapshot_id: snapshotId, needed_by: neededBy },
    });
  }
  await snapshots.delete(snapshotId);
  return { snapshot_id: snapshotId, deleted: true };
};

async function listedOf(tasks: Tasks, snapshot: Snapshot): Promise<SnapshotView | null> {
  const facts = await readSnapshotFacts(snapshot.taskPath);
  return facts.purpose === "stop" ? null : viewOf(tasks, snapshot, facts);
}

function nullIfGone(error: unknown): null {
  if (error instanceof PyroError && error.code === "NOT_FOUND") return null;
  throw error;
}

function viewOf(tasks: Tasks, snapshot: Snapshot, { commands, purpose }: SnapshotFacts): SnapshotView {
  const { snapshot_id, name, task_id, parent, created_at, memory_bytes, disk_bytes } = snapshot.record;
  return {
    ...{ snapshot_id, name, task_id, parent, created_at, memory_bytes, disk_bytes },
    automatic: purpose === "automatic",
    running_commands: commands.length,
    needed_by: tasks.needing(snapshot_id),
  };
}
