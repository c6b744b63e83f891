import { join } from "node:path";

import type { Machine } from "../../../backend/backend.js";
import { readSnapshotFacts, type CarriedExec } from "../../../store/snapshot-facts.js";
import type { Committed } from "../../../guest/stage.js";
import { copyWorkspaceLists } from "../../../store/workspace-lists.js";
import type { WorkspaceBase } from "../../../store/workspace-base.js";
import type { ServiceRecord } from "../../../store/service-record.js";
import type { TaskRecord } from "../../../store/task-record.js";
import type { Call } from "../../call.js";
import { takeUser } from "../../exec/user.js";
import type { AcquiredMachine } from "../../machines/facts.js";
import { asFound, type LastingMachines } from "../../machines/lasting.js";
import { networkOfRecord } from "../../machines/network.js";
import { adoptServices } from "../../services/services.js";
import { machineIdOf } from "../machine-id.js";
import { assertAllowed, isResumable } from "../moves.js";
import type { TaskVm } from "../task-vm.js";
import { shapeOfRecord } from "./room.js";
import { restoreSeed } from "./seed-files.js";

/** Stands for a start without a snapshot: a VM like the one that the task was created with. */
export const SEED = "seed";
/** A directory that no task has: a workspace without a base. */
const NO_LISTS = "no-lists";

/** Makes a stopped task continue. A started task stays unchanged. Throws FAILED_PRECONDITION when there is nothing to continue from. */
export async function startTask(vm: TaskVm, call: Call): Promise<void> {
  await vm.changes.take(call.signal, async () => {
    if (isResumable(vm.record)) await startFromRecord(vm, call);
    else assertAllowed(vm.record, "start");
  });
}

/** Starts the VM that the record of a task names as its next one. Call it only while nothing else changes the task. */
export async function startFromRecord(vm: TaskVm, call: Call): Promise<void> {
  const { machines, directory } = vm.parts;
  const { record } = vm;
  const source = await findSource(vm);
  const { machine, environmentDigest } = await source.acquire(call);
  try {
    await source.prepareLists(directory);
    await vm.change({
      ...(source.services && { services: adoptServices(source.services, new Date().toISOString(), record.ports) }),
      ...{ state: "started", reason: null, machine: machine.handle, resumes_from: null },
      ...{ incarnation: record.incarnation + 1, environment_digest: environmentDigest },
      ...{ execution_mode: machine.executionMode, accelerator: machine.accelerator },
    });
  } catch (error) {
    await machines.destroy(machine);
    throw error;
  }
  await vm.content.execs.adopt(source.commands, vm.parts.journal);
  await vm.enter(asFound(machine));
  await source.release();
}

/** The state that a stopped task starts from. */
interface Source {
  readonly acquire: (call: Call) => Promise<{ machine: Machine; environmentDigest: string }>;
  /** Makes the lists of the workspace in the task's directory those of this state. */
  readonly prepareLists: (directory: string) => Promise<void>;
  /** The services of a snapshot; null when they are those that the task has. */
  readonly services: readonly ServiceRecord[] | null;
  /** Commands that the task does not have yet. */
  readonly commands: readonly CarriedExec[];
  readonly release: () => Promise<void>;
}

/** Starts a VM like the one that the task was created with: its workspace is its user's. */
async function acquireSeed(
  machines: LastingMachines,
  record: TaskRecord,
  base: WorkspaceBase,
  call: Call,
): Promise<AcquiredMachine & { readonly restored: Committed | null }> {
  const { environment, user, allow_host_compat: allowHostCompat, require_isolation: requireIsolation } = record;
  const { vcpuCount, memMib, diskMib } = shapeOfRecord(record);
  const shape = { vcpuCount, memMib, diskMib, network: networkOfRecord(record) };
  const id = machineIdOf(record.task_id);
  const acquired = await machines.acquire(
    { id, outlives: true, environment, allowHostCompat, requireIsolation, ...shape },
    call,
  );
  try {
    if (user !== null) await takeUser(acquired, user);
    const isEmpty = record.workspace_seed.mode === "empty";
    const restored = isEmpty ? null : await restoreSeed(acquired.machine.channel, base, call.signal);
    return { ...acquired, restored };
  } catch (error) {
    await machines.destroy(acquired.machine);
    throw error;
  }
}

async function findSource({ parts, record, content }: TaskVm): Promise<Source> {
  const { machines, snapshots, log } = parts;
  const id = machineIdOf(record.task_id);
  if (record.resumes_from === SEED) {
    let restored: Committed | null = null;
    const acquire = async (call: Call) => {
      const acquired = await acquireSeed(machines, record, content.pushes.base, call);
      ({ restored } = acquired);
      return acquired;
    };
    const prepareLists = (directory: string) =>
      restored === null
        ? copyWorkspaceLists(join(directory, NO_LISTS), directory)
        : content.pushes.returnToSeed(record.workspace_seed, restored.at);
    return { acquire, prepareLists, services: [], commands: [], release: async () => {} };
  }
  const snapshot = snapshots.get(record.resumes_from ?? "");
  const facts = await readSnapshotFacts(snapshot.taskPath);
  const acquire = async (call: Call) => ({
    machine: await machines.acquireFrom(snapshot, { id, requireIsolation: record.require_isolation }, call),
    environmentDigest: snapshot.record.environment_digest,
  });
  if (facts.purpose !== "stop") {
    const { commands, record: then } = facts;
    const prepareLists = (directory: string) => copyWorkspaceLists(snapshot.taskPath, directory);
    return { acquire, prepareLists, services: then.services, commands, release: async () => {} };
  }
  const release = () =>
    snapshots
      .delete(snapshot.record.snapshot_id)
      .catch((error: unknown) => log.warn({ err: error }, "the snapshot of a stop was not removed"));
  return { acquire, prepareLists: async () => {}, services: null, commands: [], release };
}
