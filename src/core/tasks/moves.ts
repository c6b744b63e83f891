import { PyroError } from "../../contract/errors.js";
import type { TaskRecord } from "../../store/task-record.js";

type TaskState = TaskRecord["state"];

/**
 * The next state of a task, by what happens to its VM. Only a start leads back to started. A task whose VM is paused stays started:
 * status says so, and calls wait.
 */
const becomes = {
  /** A new daemon finds no process of the VM, as after a reboot of the host. */
  gone: { started: "stopped" },
  /** The VM's process ends while a daemon watches. */
  died: { started: "failed" },
  /** The VM's agent breaks the protocol, or can never be reached: the VM is ended. */
  broken: { started: "failed" },
} as const satisfies Record<string, Partial<Record<TaskState, TaskState>>>;

/** The states that allow an operation on a task's VM. Status, logs and delete work in every state. */
const allowed = {
  exec: ["started"],
  push: ["started"],
  files: ["started"],
  snapshot: ["started"],
  stop: ["started"],
  start: ["started"],
  fork: ["started"],
  ports: ["started"],
  network: ["started"],
} as const satisfies Record<string, readonly TaskState[]>;

/** The uses of a task's VM. */
export type TaskUse = keyof typeof allowed;

/** The record after a move; unchanged when the table has no move from its state. */
export function moveTask(record: TaskRecord, happening: keyof typeof becomes, reason: string): TaskRecord {
  const row: Partial<Record<TaskState, TaskState>> = becomes[happening];
  const state = row[record.state];
  return state === undefined ? record : { ...record, state, reason, machine: null };
}

/** True for a stopped task that can be started again. */
export function isResumable({ state, resumes_from }: TaskRecord): boolean {
  return state === "stopped" && resumes_from !== null;
}

/** Throws FAILED_PRECONDITION with the state if the table does not allow the operation. */
export function assertAllowed({ task_id, state, reason }: TaskRecord, what: TaskUse): void {
  const states: readonly TaskState[] = allowed[what];
  if (states.includes(state)) return;
  throw new PyroError("FAILED_PRECONDITION", `Task ${task_id} is ${state}${reason ? `: ${reason}` : ""}.`, {
    hint: "Its logs, and the files of a disk that was kept, can still be read. Go back to a snapshot with `pyro task reset`, or create another task.",
    details: { task_id, state, reason },
  });
}
