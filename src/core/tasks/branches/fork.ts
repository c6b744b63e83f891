import { mkdir } from "../../../host/files.js";
import type { Log } from "../../../host/log.js";
import { newTaskId } from "../../../store/layout.js";
import type { SnapshotFacts } from "../../../store/snapshot-facts.js";
import {
  createTaskDirectory,
  newDraftPath,
  removeDraft,
  removeTaskDirectory,
} from "../../../store/task-directories.js";
import type { TaskRecord } from "../../../store/task-record.js";
import { copyBaseContent, copyWorkspaceLists } from "../../../store/workspace-lists.js";
import type { Machine } from "../../../backend/backend.js";
import type { Call } from "../../call.js";
import { asFound, type LastingMachines } from "../../machines/lasting.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { adoptServices } from "../../services/services.js";
import { machineIdOf } from "../machine-id.js";
import { beginJournal, openNewJournal } from "../new-journal.js";
import { Task } from "../task.js";
import type { TaskSnapshots } from "../task-vm.js";

/** The state from which forks start. */
export interface BranchPoint {
  readonly snapshot: Snapshot;
  /** The record of the task. */
  readonly parent: TaskRecord;
  /** Read when the snapshot is whole. */
  readonly readFacts: () => Promise<SnapshotFacts>;
  /** The directory with the lists of the workspace at that moment. */
  readonly listsPath: string;
  /** Null for a fork of a task: its snapshot is not listed. */
  readonly snapshotId: string | null;
}

/** The facts that differ between forks. */
export interface ForkIdentity {
  readonly name: string | null;
  /** The task whose variant it tries; null for a fork that stays. */
  readonly triedFor: string | null;
}

export interface ForkParts {
  readonly tasksPath: string;
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  readonly log: Log;
}

/** Starts a task from a snapshot. If this throws, no task is left. */
export async function startFork(
  parts: ForkParts,
  point: BranchPoint,
  identity: ForkIdentity,
  call: Call,
): Promise<Task> {
  const { tasksPath, machines } = parts;
  const taskId = newTaskId();
  const { require_isolation: requireIsolation } = point.parent;
  const machine = await machines.acquireFrom(point.snapshot, { id: machineIdOf(taskId), requireIsolation }, call);
  const draft = newDraftPath(tasksPath, taskId);
  try {
    const facts = await point.readFacts();
    const record = buildForkRecord(taskId, { ...point, facts }, identity, machine);
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await copyWorkspaceLists(point.listsPath, draft);
    await copyBaseContent(`${tasksPath}/${point.parent.task_id}`, draft);
    await beginJournal(draft, facts, record.created_at);
    call.signal.throwIfAborted();
    const directory = await createTaskDirectory(tasksPath, record, draft);
    const journal = await openNewJournal(directory);
    const task = new Task({ ...parts, directory, record, journal, machine: asFound(machine) });
    await task.takeOver();
    return task;
  } catch (error) {
    await removeDraft(draft);
    await machines.destroy(machine);
    throw error;
  }
}

/** Ends a fork that was not returned to a caller, and removes its files. */
export async function discardFork({ tasksPath }: ForkParts, fork: Task): Promise<void> {
  await fork.end();
  await removeTaskDirectory(tasksPath, fork.taskId);
}

function buildForkRecord(
  taskId: string,
  { facts, snapshot, snapshotId }: BranchPoint & { readonly facts: SnapshotFacts },
  identity: ForkIdentity,
  machine: Machine,
): TaskRecord {
  const at = new Date().toISOString();
  return {
    ...facts.record,
    ...{ task_id: taskId, name: identity.name, tried_for: identity.triedFor, created_at: at },
    ...{ state: "started", reason: null, machine: machine.handle, incarnation: 1, resumes_from: null },
    ...{ execution_mode: machine.executionMode, accelerator: machine.accelerator },
    parent_snapshot: snapshotId === null ? facts.record.parent_snapshot : snapshot.record.snapshot_id,
    forked_from: { task_id: facts.record.task_id, snapshot_id: snapshotId, at },
    ...{ automatic_snapshot: null, restores: [] },
    ports: [],
    services: adoptServices(facts.record.services, at, []),
  };
}
