import type { FoundMachine } from "../../backend/backend.js";
import { PyroError, reasonOf } from "../../contract/errors.js";
import type { Log } from "../../host/log.js";
import { diskPath } from "../../store/layout.js";
import { writeTaskRecord, type TaskRecord } from "../../store/task-record.js";
import { adoptMachine } from "../lifecycle/session.js";
import type { LastingMachines } from "../machines/lasting.js";
import { machineIdOf } from "./machine-id.js";
import { restoredRecord } from "./branches/restore.js";
import { moveTask } from "./moves.js";
import type { TaskSnapshots } from "./task-vm.js";

const GONE = "its VM is gone: the host was restarted, or the VM was ended while no daemon ran";

interface AdoptingParts {
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  readonly log: Log;
}

/** The machine of a started task, whether or not it answers. Without one it is stopped, or failed when it can never be reached. */
export async function adoptTask(
  directory: string,
  record: TaskRecord,
  { machines, snapshots, log }: AdoptingParts,
): Promise<{ machine: FoundMachine | null; record: TaskRecord }> {
  if (record.state !== "started") return { machine: null, record };
  const { task_id, backend, machine: handle, environment_digest: environmentDigest } = record;
  const machine = await adoptMachine(machines, { id: machineIdOf(task_id), backend, handle, environmentDigest }, log);
  if (machine !== null && !(machine instanceof PyroError)) return { machine, record };
  // The output of its commands stays readable.
  if (handle !== null) {
    await machines
      .keepDisk(machineIdOf(task_id), handle, diskPath(directory))
      .catch((error: unknown) => log.error({ task: task_id, err: error }, "the disk could not be kept"));
  }
  const without =
    machine === null
      ? (restoredRecord(record, snapshots, GONE) ?? moveTask(record, "gone", GONE))
      : moveTask(record, "broken", `a new daemon could not adopt its VM, and ended it: ${reasonOf(machine)}`);
  // If this is not written, the next daemon finds the same.
  await writeTaskRecord(directory, without).catch((error: unknown) =>
    log.error({ task: task_id, err: error }, "the record could not be written"),
  );
  return { machine: null, record: without };
}
