import type { InputOf } from "../../contract/operations.js";
import { PyroError } from "../../contract/errors.js";
import { mkdir } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { readSnapshotFacts, type SnapshotFacts } from "../../store/snapshot-facts.js";
import { createTaskDirectory, newDraftPath, removeDraft, removeTaskDirectory } from "../../store/task-directories.js";
import { WorkspaceBase } from "../../store/workspace-base.js";
import { copyBaseContent, copyWorkspaceLists } from "../../store/workspace-lists.js";
import type { Call } from "../call.js";
import type { AcquiredMachine } from "../machines/facts.js";
import { asFound, type LastingMachines } from "../machines/lasting.js";
import { takeDirectory } from "../exec/directory.js";
import { takeUser } from "../exec/user.js";
import { networkRequestOf } from "../machines/network.js";
import { assertChoices } from "../workspace/import.js";
import { emptySeed, type Seeded, seedWorkspace } from "../workspace/seed.js";
import { adoptServices } from "../services/services.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { whileUsed } from "../snapshots/uses.js";
import { taskIdOf } from "./machine-id.js";
import { beginJournal, openNewJournal } from "./new-journal.js";
import { newTaskRecord } from "./new-record.js";
import { Task } from "./task.js";
import { seedAgain } from "./setup/seed-again.js";
import type { TaskSnapshots } from "./task-vm.js";

export interface NewTaskParts {
  readonly tasksPath: string;
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  readonly log: Log;
}

/** How a task starts that prepares something for others, or starts from something that was prepared. */
export interface Origin {
  /** The result of a setup, with the lists of its workspace. */
  readonly snapshot?: Snapshot;
  /** True when the source of this caller must be pushed over the files of the snapshot. */
  readonly seedsAgain?: boolean;
  /** The purpose of a task that is not listed, such as a build. It is removed when the daemon dies. */
  readonly triedFor?: string | null;
}

/** Starts a task. If this throws, nothing of it is left. Throws NOT_FOUND when the snapshot of its origin is removed already. */
export async function createTask(
  parts: NewTaskParts,
  input: InputOf<"task.create">,
  call: Call,
  origin: Origin = {},
): Promise<Task> {
  assertChoices(input);
  const saved = origin.snapshot ?? parts.snapshots.findSaved(input.environment);
  const start = () => startTask(parts, input, call, origin, saved);
  return saved === null ? start() : whileUsed(saved, start);
}

async function startTask(
  parts: NewTaskParts,
  input: InputOf<"task.create">,
  call: Call,
  { snapshot, seedsAgain = false, triedFor = null }: Origin,
  saved: Snapshot | null,
): Promise<Task> {
  const { tasksPath, machines } = parts;
  const acquired = await machines.acquire(
    {
      outlives: true,
      environment: input.environment,
      vcpuCount: input.vcpu_count,
      memMib: input.mem_mib,
      diskMib: input.disk_mib,
      allowHostCompat: input.allow_host_compat,
      requireIsolation: input.require_isolation,
      network: networkRequestOf(input),
      ...(saved && { snapshot: saved }),
    },
    call,
  );
  const { machine } = acquired;
  const taskId = taskIdOf(machine.id);
  const draft = newDraftPath(tasksPath, taskId);
  try {
    assertCanBeSaved(input, acquired);
    const facts = acquired.snapshot && (await readSnapshotFacts(acquired.snapshot.taskPath));
    const user = await takeUser(acquired, input.user);
    const commandsIn = await takeDirectory(acquired, input);
    const { seed, keep } = snapshot
      ? await takeLists(snapshot, facts, draft)
      : await seedWorkspace(machine, input, call, new WorkspaceBase(draft));
    call.signal.throwIfAborted();
    const fresh = newTaskRecord(taskId, { ...input, user, commandsIn }, acquired, seed);
    const services = adoptServices(facts?.record.services ?? [], fresh.created_at, []);
    const record = { ...fresh, services, tried_for: triedFor };
    if (facts !== null) await beginJournal(draft, facts, record.created_at);
    const directory = await createTaskDirectory(tasksPath, record, draft);
    const journal = await openNewJournal(directory);
    const task = new Task({ ...parts, directory, record, journal, machine: asFound(machine) });
    await keep(task.pushes);
    await task.takeOver();
    if (seedsAgain && input.source_path !== undefined) {
      const whole = { ...input, source_path: input.source_path };
      await seedAgain(task, machine, seed, whole, call).catch(async (error: unknown) => {
        await task.end();
        await removeTaskDirectory(tasksPath, taskId);
        throw error;
      });
    }
    return task;
  } catch (error) {
    await removeDraft(draft);
    await machines.destroy(machine);
    throw error;
  }
}

/** Throws HOST_NOT_ABLE for automatic snapshots of a task without a VM. */
function assertCanBeSaved(
  { snapshot_every_seconds: seconds }: InputOf<"task.create">,
  { machine }: AcquiredMachine,
): void {
  if (seconds === 0 || machine.backend !== "host_compat") return;
  throw new PyroError("HOST_NOT_ABLE", "Automatic snapshots need a VM; host_compat has none.", {
    hint: "Create the task without --snapshot-every, or without --allow-host-compat.",
    details: { missing: "snapshots" },
  });
}

/** Gives a new task the workspace's lists of the snapshot that it starts from. */
async function takeLists(snapshot: Snapshot, facts: SnapshotFacts | null, draft: string): Promise<Seeded> {
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await copyWorkspaceLists(snapshot.taskPath, draft);
  await copyBaseContent(snapshot.taskPath, draft);
  return { seed: facts?.record.workspace_seed ?? emptySeed, keep: async () => {} };
}
