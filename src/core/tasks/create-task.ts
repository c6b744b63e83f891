import { PyroError } from "../../contract/errors.js";
import type { InputOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import { openJournal } from "../../store/journal.js";
import { journalPath, newTaskId } from "../../store/layout.js";
import { createTaskDirectory, newDraftPath, removeDraft } from "../../store/task-directories.js";
import { WorkspaceBase } from "../../store/workspace-base.js";
import type { Call } from "../call.js";
import { asFound, type LastingMachines } from "../machines/machines.js";
import { networkRequestOf } from "../machines/network.js";
import { assertChoices } from "../workspace/import.js";
import { seedWorkspace } from "../workspace/seed.js";
import { machineIdOf } from "./machine-id.js";
import { newTaskRecord } from "./new-record.js";
import { Task } from "./task.js";
import type { TaskSnapshots } from "./task-vm.js";

export interface NewTaskParts {
  readonly tasksPath: string;
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  readonly log: Log;
}

/** Starts a task. If this throws, nothing of it is left. */
export async function createTask(
  { tasksPath, machines, snapshots, log }: NewTaskParts,
  input: InputOf<"task.create">,
  call: Call,
): Promise<Task> {
  assertChoices(input);
  const taskId = newTaskId();
  const { machine, environmentDigest } = await machines.acquire(
    {
      id: machineIdOf(taskId),
      environment: input.environment,
      vcpuCount: input.vcpu_count,
      memMib: input.mem_mib,
      diskMib: input.disk_mib,
      allowHostCompat: input.allow_host_compat,
      network: networkRequestOf(input),
    },
    call,
  );
  const draft = newDraftPath(tasksPath, taskId);
  try {
    const { seed, keep } = await seedWorkspace(machine, input, call, new WorkspaceBase(draft));
    call.signal.throwIfAborted();
    const record = newTaskRecord(taskId, input, machine, environmentDigest, seed);
    const directory = await createTaskDirectory(tasksPath, record, draft);
    const opened = await openJournal(journalPath(directory));
    if (opened.kind !== "journal") throw new PyroError("INTERNAL", "A new journal could not be opened.");
    const { journal } = opened;
    const task = new Task({ directory, record, journal, machine: asFound(machine), machines, snapshots, log });
    await keep(task.pushes);
    return task;
  } catch (error) {
    await removeDraft(draft);
    await machines.destroy(machine);
    throw error;
  }
}
