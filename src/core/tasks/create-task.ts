import type { InputOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import { newTaskId } from "../../store/layout.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import { createTaskDirectory, newDraftPath, removeDraft } from "../../store/task-directories.js";
import { WorkspaceBase } from "../../store/workspace-base.js";
import type { Call } from "../call.js";
import { asFound, type LastingMachines } from "../machines/machines.js";
import { networkRequestOf } from "../machines/network.js";
import { assertChoices } from "../workspace/import.js";
import { seedWorkspace } from "../workspace/seed.js";
import { adoptServices } from "../services/services.js";
import { machineIdOf } from "./machine-id.js";
import { beginJournal, openNewJournal } from "./new-journal.js";
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
  const acquired = await machines.acquire(
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
  const { machine } = acquired;
  const draft = newDraftPath(tasksPath, taskId);
  try {
    const facts = acquired.snapshot && (await readSnapshotFacts(acquired.snapshot.taskPath));
    const { seed, keep } = await seedWorkspace(machine, input, call, new WorkspaceBase(draft));
    call.signal.throwIfAborted();
    const fresh = newTaskRecord(taskId, input, acquired, seed);
    const services = adoptServices(facts?.record.services ?? [], fresh.created_at, []);
    const record = { ...fresh, services };
    if (facts !== null) await beginJournal(draft, facts, record.created_at);
    const directory = await createTaskDirectory(tasksPath, record, draft);
    const journal = await openNewJournal(directory);
    const task = new Task({ directory, record, journal, machine: asFound(machine), machines, snapshots, log });
    await keep(task.pushes);
    await task.takeOver();
    return task;
  } catch (error) {
    await removeDraft(draft);
    await machines.destroy(machine);
    throw error;
  }
}
